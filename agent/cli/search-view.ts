import type { SearchResult, WindowChoice } from '#agent/contract/search-result';
import { METRICS, type MetricDescription } from '#agent/engine/backtest/metric-table';
import { count, metricText, plural } from './figures';
import type { Output } from './output';
import type { Column } from './table';
import { printable } from './text';

/** What a search proves, in words, and the figures behind it. */
export function showSearch(output: Output, { trials, walk_forward, rank_by }: SearchResult): void {
  const { style } = output;
  if (walk_forward !== null) {
    const { windows, out_of_sample } = walk_forward;
    output.table(windows, windowColumns(windows, rank_by));
    const profit = `${count(out_of_sample.windows_profitable)} of ${plural(out_of_sample.windows, 'window')}`;
    output.line(
      `Out of sample ${metricText(out_of_sample.total_return_pct, 'fraction')} over ${plural(out_of_sample.daily_returns_count, 'day')}, ` +
        `Sharpe ${metricText(out_of_sample.sharpe_ratio, 'ratio')}; ${profit} made a profit.`,
    );
  }
  if (trials !== null && trials.deflated_sharpe_ratio !== null) {
    output.line(
      `Best Sharpe ${metricText(trials.best_sharpe_ratio, 'ratio')}; the best of ${plural(trials.trial_count, 'trial')} ` +
        `without skill would show ${metricText(trials.expected_max_sharpe_ratio, 'ratio')}.`,
    );
  }
  const proof = trials ?? walk_forward?.out_of_sample;
  if (proof === undefined) return;
  const verdict = `${proof.verdict.charAt(0).toUpperCase()}${proof.verdict.slice(1)}.`;
  output.line(proof.is_evidence ? style.good(verdict) : style.warning(verdict));
  // Both tests ask for a Sharpe ratio above 0, which a rising market gives to whoever is in it.
  if (proof.is_evidence) {
    output.line('A long position in a rising market passes this test, too: compare buy_and_hold_return.');
  }
}

/** One row a window: where it was tested, what it chose, and the metric that chose before and after. */
function windowColumns(windows: readonly WindowChoice[], rankBy: string): Array<Column<WindowChoice>> {
  const metric = rankBy.replace(/^(train|test)\./, '');
  const names = Object.keys(windows[0]?.parameters ?? {});
  const differing = names.filter(
    (name) => new Set(windows.map(({ parameters }) => parameters[name])).size > 1,
  );
  const figure = (part: 'train' | 'test', name: string, header: string): Column<WindowChoice> => ({
    header,
    cell: (window) => metricText(window[part][name], unitOf(name)),
    align: 'right',
  });
  return [
    { header: 'WINDOW', cell: ({ window }) => count(window + 1), align: 'right' },
    { header: 'TESTED FROM', cell: ({ test }) => dayOf(test['from_ms']) },
    { header: 'TO', cell: ({ test }) => dayOf(test['to_ms']) },
    ...differing.map((name): Column<WindowChoice> => ({
      header: name,
      cell: ({ parameters }) => printable(String(parameters[name])),
      align: 'right',
    })),
    figure('train', metric, `${metric} TRAINED`),
    figure('test', metric, 'TESTED'),
    figure('test', 'total_return_pct', 'RETURN'),
  ];
}

function unitOf(name: string): MetricDescription['unit'] | undefined {
  return METRICS.find((metric) => metric.name === name)?.unit;
}

function dayOf(timeMs: number | null | undefined): string {
  return typeof timeMs === 'number' ? new Date(timeMs).toISOString().slice(0, 10) : '–';
}
