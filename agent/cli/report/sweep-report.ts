import type { Operation, Provenance, UnitResult } from '#agent/contract/operation';
import type { SearchResult, TrialStatistics, WindowChoice } from '#agent/contract/search-result';
import { METRICS } from '#agent/engine/backtest/metric-table';
import { count, metricText, plural } from '#agent/cli/figures';
import { parametersText } from '#agent/cli/operation-view';
import { histogramOption } from './backtest-charts';
import { titleOf } from './backtest-report';
import { heatMapOption, profileOption, sweptParameters, type CellValue, type SweepUnit } from './heat-map';
import { renderPage, type Page, type Section } from './page';
import { htmlTable, provenanceRows, provenanceTable } from './tables';
import { stitchedChart, stripsChart } from './walk-forward-chart';

export interface SweepReport {
  operation: Operation;
  unitsTotal: number;
  unitsDone: number;
  /** The metric that the units are ranked by, and whether more of it is better. */
  rankBy: string;
  isHigherBetter: boolean;
  best: ReadonlyArray<UnitResult & { rank: number }>;
  /** Null when the control plane judges no searches. */
  search: SearchResult | null;
  /** Units that the charts show: `value` is the metric `shown`. */
  units: readonly SweepUnit[];
  shown: string;
  /** The parameters of the heat map, the wider first; the two with the most values when undefined. */
  axes: readonly string[] | undefined;
  resultSha256: string | null;
  /** Of its batches, one for each program and agent. */
  provenances: readonly Provenance[];
  madeAt: string;
}

export function sweepReport(report: SweepReport): string {
  const { operation, search, best } = report;
  const judged = verdictOf(report);
  return renderPage({
    title: `${titleOf(operation)}: ${search?.walk_forward ? 'walk forward' : 'parameter sweep'}`,
    subtitle: `${operation.operation_id} · ${parametersText(operation.metadata)}`,
    ...(judged === undefined ? {} : { verdict: judged }),
    figures: figuresOf(report),
    sections: [
      ...walkForwardSections(report),
      {
        title: `Best ${plural(best.length, 'unit')} by ${report.rankBy}`,
        note: `Of ${plural(report.unitsTotal, 'trial')}: the more trials, the luckier the best one.`,
        html: rankedTable(report),
      },
      ...surfaceSection(report),
      ...distributionSection(report),
      ...trialSections(search?.trials ?? null),
      {
        title: 'Provenance',
        note: 'The same binaries, data and parameters give the same result, bit for bit.',
        html: provenanceTable(provenance(report)),
      },
    ],
    footer: `Written by ktrdr-agent at ${report.madeAt}. Past results say nothing certain about future ones.`,
  });
}

function verdictOf({ search }: SweepReport): Page['verdict'] {
  const judged = search?.walk_forward?.out_of_sample ?? search?.trials ?? undefined;
  if (judged === undefined) return undefined;
  return { text: capital(judged.verdict), isEvidence: judged.is_evidence };
}

function figuresOf(report: SweepReport): Array<readonly [string, string]> {
  const { search, unitsDone, unitsTotal, best } = report;
  const bestValue = best[0]?.metrics[report.rankBy];
  const figures: Array<readonly [string, string]> = [
    ['Trials', unitsDone === unitsTotal ? count(unitsTotal) : `${count(unitsDone)} of ${count(unitsTotal)}`],
    [`Best ${report.rankBy}`, metricText(bestValue, unitOf(report.rankBy))],
  ];
  if (search?.trials) {
    figures.push(
      ['Expected best by luck', metricText(search.trials.expected_max_sharpe_ratio, 'ratio')],
      ['Deflated Sharpe', metricText(search.trials.deflated_sharpe_ratio, 'ratio')],
    );
  }
  if (search?.walk_forward) {
    const tests = search.walk_forward.out_of_sample;
    figures.push(
      ['Out-of-sample return', metricText(tests.total_return_pct, 'fraction')],
      ['Out-of-sample Sharpe', metricText(tests.sharpe_ratio, 'ratio')],
      ['Windows with profit', `${tests.windows_profitable} of ${tests.windows}`],
    );
  }
  return figures;
}

const SHOWN_METRICS = ['total_return_pct', 'sharpe_ratio', 'max_drawdown_pct', 'win_rate', 'total_trades'];

function rankedTable({ best, rankBy }: SweepReport): string {
  if (best.length === 0) return '<p>No unit has a result.</p>';
  const prefix = /^(train|test)\./.exec(rankBy)?.[0] ?? '';
  const others = SHOWN_METRICS.map((name) => `${prefix}${name}`).filter((name) => name !== rankBy);
  return htmlTable(best, [
    { header: 'Rank', cell: ({ rank }) => count(rank) },
    ...Object.keys(best[0]?.parameters ?? {}).map((name) => ({
      header: name,
      cell: ({ parameters }: UnitResult) => textOf(parameters[name]),
    })),
    ...[rankBy, ...others].map((name) => ({
      header: name,
      cell: ({ metrics }: UnitResult) => metricText(metrics[name], unitOf(name)),
    })),
  ]);
}

/** Of two parameters a heat map, of one a line, of none nothing. */
function surfaceSection(report: SweepReport): Section[] {
  const { units, shown, search, isHigherBetter } = report;
  const swept = sweptParameters(units);
  const [x, y] = report.axes ?? swept;
  const isWalkForward = (search?.walk_forward ?? null) !== null;
  const cell: CellValue = isWalkForward ? 'mean' : isHigherBetter ? 'highest' : 'lowest';
  if (x === undefined) return [];
  if (y === undefined) {
    const option = profileOption(units, { x, metric: shown, cell });
    return [{ title: `${shown} along ${x}`, chart: { id: 'chart-profile', option } }];
  }
  const left = swept.filter((name) => name !== x && name !== y);
  const over = isWalkForward ? 'the windows' : left.join(', ');
  const word = { highest: 'the best', lowest: 'the best (lowest)', mean: 'the mean' }[cell];
  const combined = over === '' ? '' : ` A cell shows ${word} over ${over}.`;
  return [
    {
      title: `${shown} over ${x} and ${y}`,
      note: `${isWalkForward ? 'To choose by this map would be to look ahead.' : 'A lone bright cell is luck; a broad bright area is sturdier.'}${combined}${partial(report)}`,
      chart: {
        id: 'chart-heat-map',
        height: 'high',
        option: heatMapOption(units, { x, y, metric: shown, cell }),
      },
    },
  ];
}

function distributionSection(report: SweepReport): Section[] {
  const sharpes = report.units.flatMap(({ sharpe }) => sharpe ?? []);
  if (sharpes.length < 2) return [];
  const { search } = report;
  const luck = search?.trials?.expected_max_sharpe_ratio ?? null;
  const highest = search?.trials?.best_sharpe_ratio ?? null;
  const lines = [
    ...(luck === null ? [] : [['best expected by luck', luck] as const]),
    ...(highest === null ? [] : [['best found', highest] as const]),
  ];
  const which = search?.walk_forward ? 'Sharpe ratios of all tests' : 'Sharpe ratios of all trials';
  const said = search?.trials ? ` ${capital(search.trials.verdict)}.` : '';
  return [
    {
      title: which,
      note: `How many of ${plural(sharpes.length, 'unit')} lie in each bin.${said}${partial(report)}`,
      chart: { id: 'chart-distribution', option: histogramOption(sharpes, { format: 'ratio', lines }) },
    },
  ];
}

function trialSections(trials: TrialStatistics | null): Section[] {
  if (trials === null) return [];
  const ratio = (value: number | null): string => metricText(value, 'ratio');
  const rows: Array<readonly [name: string, value: string, meaning: string]> = [
    ['trials', count(trials.trial_count), `${count(trials.sharpe_count)} of them have a Sharpe ratio`],
    ['best Sharpe', ratio(trials.best_sharpe_ratio), 'of all trials'],
    ['mean Sharpe', ratio(trials.sharpe_mean), `variance ${ratio(trials.sharpe_variance)}`],
    ['expected best', ratio(trials.expected_max_sharpe_ratio), 'of so many trials without any skill'],
    [
      'probabilistic Sharpe',
      ratio(trials.probabilistic_sharpe_ratio),
      'probability of skill, had the best been the only trial',
    ],
    [
      'deflated Sharpe',
      ratio(trials.deflated_sharpe_ratio),
      `the same, given all trials; evidence from ${trials.confidence} on`,
    ],
    [
      'least track record',
      trials.min_track_record_length === null ? '–' : count(trials.min_track_record_length),
      'daily returns that a single trial like the best would need to be believed',
    ],
  ];
  return [
    {
      title: 'What the search proves',
      note: 'Bailey and López de Prado, The Sharpe Ratio Efficient Frontier (2012) and The Deflated Sharpe Ratio (2014). Ratios are annualized.',
      html: htmlTable(rows, [
        { header: 'Figure', cell: ([name]) => name, isText: true },
        { header: 'Value', cell: ([, value]) => value },
        { header: 'Meaning', cell: ([, , meaning]) => meaning, isText: true, className: () => 'wrap' },
      ]),
    },
  ];
}

function walkForwardSections({ search, rankBy }: SweepReport): Section[] {
  if (!search?.walk_forward) return [];
  const { windows, out_of_sample: tests } = search.walk_forward;
  return [
    {
      title: 'Growth out of sample',
      note: 'The tests of all windows one after the other, each with what its training chose; a point at the end of each test.',
      chart: stitchedChart(tests),
    },
    {
      title: 'Windows',
      note: 'Thin strips are training, thick ones the tests that follow; broken ones made no profit.',
      chart: stripsChart(windows),
      html: windowsTable(windows, rankBy.replace(/^train\./, '')),
    },
  ];
}

function windowsTable(windows: readonly WindowChoice[], metric: string): string {
  const day = (ms: number | null | undefined): string =>
    typeof ms === 'number' ? new Date(ms).toISOString().slice(0, 10) : '–';
  return htmlTable(windows, [
    { header: 'Window', cell: ({ window }) => count(window + 1) },
    {
      header: 'Chosen',
      cell: ({ parameters }) =>
        Object.entries(parameters)
          .map(([name, value]) => `${name}=${textOf(value)}`)
          .join(' '),
      isText: true,
    },
    { header: 'Test from', cell: ({ test }) => day(test['from_ms']), isText: true },
    { header: 'Test to', cell: ({ test }) => day(test['to_ms']), isText: true },
    { header: `Training ${metric}`, cell: ({ train }) => metricText(train[metric], unitOf(metric)) },
    { header: `Test ${metric}`, cell: ({ test }) => metricText(test[metric], unitOf(metric)) },
    { header: 'Test return', cell: ({ test }) => metricText(test['total_return_pct'], 'fraction') },
  ]);
}

function provenance(report: SweepReport): Array<readonly [string, string]> {
  const { operation, provenances, resultSha256 } = report;
  const all = (key: string): string =>
    [
      ...new Set(
        provenances.flatMap((made) =>
          provenanceRows(made)
            .filter(([name]) => name === key)
            .map(([, value]) => value),
        ),
      ),
    ].join(', ');
  return [
    ['operation', operation.operation_id],
    ['parameters', parametersText(operation.metadata)],
    ['versions', all('version')],
    ['agents', all('agent')],
    ['binary sha256', all('binary sha256')],
    ['data hash', all('data hash')],
    ['result sha256', resultSha256 ?? '–'],
  ];
}

function partial({ units, unitsDone }: SweepReport): string {
  return units.length < unitsDone
    ? ` Only the first ${count(units.length)} of ${plural(unitsDone, 'unit')}.`
    : '';
}

function unitOf(name: string): (typeof METRICS)[number]['unit'] | undefined {
  const bare = name.replace(/^(train|test)\./, '');
  return METRICS.find((metric) => metric.name === bare)?.unit;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
