import type { BacktestTrade, EquityPoint } from '#agent/contract/backtest';
import type { Operation } from '#agent/contract/operation';
import { METRICS } from '#agent/engine/backtest/metric-table';
import { count, metricText, plural } from '#agent/cli/figures';
import { monthlyReturns } from '#agent/cli/monthly-returns';
import { parametersText } from '#agent/cli/operation-view';
import { drawdownChart, equityChart, tradeReturnsChart, tradesChart } from './backtest-charts';
import { renderPage, type Section } from './page';
import type { PricePoint } from './price-points';
import { htmlTable, metricsTable, monthsTable, provenanceRows, provenanceTable } from './tables';
import { POINTS_MAX } from './thin';

export interface BacktestReport {
  operation: Operation;
  metrics: Readonly<Record<string, number | null>>;
  equity: readonly EquityPoint[];
  trades: readonly BacktestTrade[];
  /** Trades of the backtest, among them those that were not kept. */
  tradeCount: number;
  prices: readonly PricePoint[];
  /** Bars of the backtest, and from one shown close to the next. */
  barCount: number;
  stride: number;
  /** Written at, ISO 8601. */
  madeAt: string;
}

/** Trades that the page lists; the export has all. */
const LISTED_MAX = 500;

export function backtestReport(report: BacktestReport): string {
  const { operation, metrics, equity, trades, prices } = report;
  return renderPage({
    title: `${titleOf(operation)}: backtest`,
    subtitle: `${operation.operation_id} · ${period(equity)} · ${parametersText(operation.metadata)}`,
    figures: FIGURES.map(([title, name]) => [title, metricText(metrics[name], unitOf(name))]),
    sections: [
      {
        title: 'Equity against buy and hold',
        note: `${thinned(report)} Buy and hold puts the same money in at the first close, without costs.`,
        chart: equityChart(equity, prices),
      },
      {
        title: 'Drawdown',
        note: 'How far equity is below its highest so far.',
        chart: drawdownChart(equity, prices),
      },
      {
        title: 'Trades on price',
        note: 'Triangles are entries, up for long and down for short; circles exits with profit, crosses with loss. Closes as they are stored today. Drag or use the wheel to zoom.',
        chart: tradesChart(trades, prices),
      },
      {
        title: 'Monthly returns',
        note: 'In percent, by equity at the last close of a month (UTC); the shade only repeats the sign.',
        html: monthsTable(monthlyReturns(equity)),
      },
      ...tradeSections(report),
      { title: 'Metrics', html: metricsTable(metrics) },
      {
        title: 'Provenance',
        note: 'The same binary, data and parameters give the same result, bit for bit.',
        html: provenanceTable([
          ['operation', operation.operation_id],
          ['parameters', parametersText(operation.metadata)],
          ...provenanceRows(operation.provenance),
        ]),
      },
    ],
    footer: `Written by ktrdr-agent at ${report.madeAt}. Past results say nothing certain about future ones.`,
  });
}

/** "sma_cross SP500 1d" */
export function titleOf({ metadata }: Operation): string {
  return ['strategy_name', 'symbol', 'timeframe']
    .map((name) => metadata[name])
    .filter((value) => typeof value === 'string')
    .join(' ');
}

const FIGURES = [
  ['Total return', 'total_return_pct'],
  ['Buy and hold', 'buy_and_hold_return'],
  ['Annualized return', 'annualized_return'],
  ['Sharpe ratio', 'sharpe_ratio'],
  ['Largest drawdown', 'max_drawdown_pct'],
  ['Trades', 'total_trades'],
  ['Win rate', 'win_rate'],
] as const;

function tradeSections({ trades, tradeCount }: BacktestReport): Section[] {
  if (trades.length === 0) return [{ title: 'Trades', html: '<p>No trade was made.</p>' }];
  const listed = trades.slice(0, LISTED_MAX);
  const left = tradeCount - listed.length;
  const note = left > 0 ? ` The first ${count(LISTED_MAX)}; \`ktrdr-agent export\` has the others.` : '';
  return [
    {
      title: 'Returns of trades',
      note: `Net result of each of ${plural(trades.length, 'trade')} over what was put in; how many lie in each bin.`,
      chart: tradeReturnsChart(trades),
    },
    {
      title: 'Trades',
      html: `<details><summary>${plural(tradeCount, 'trade')}</summary><p class="note">Times in UTC.${note}</p>${tradesTable(listed)}</details>`,
    },
  ];
}

function tradesTable(trades: readonly BacktestTrade[]): string {
  const price = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 5 });
  const money = (value: number): string => metricText(value, 'currency');
  const time = (instant: string): string => instant.slice(0, 16).replace('T', ' ');
  return htmlTable(trades, [
    { header: '#', cell: (trade) => String(trade.trade_id) },
    { header: 'Side', cell: ({ side }) => side, isText: true },
    { header: 'Entry', cell: (trade) => time(trade.entry_time), isText: true },
    { header: 'Price', cell: (trade) => price(trade.entry_price) },
    { header: 'Exit', cell: (trade) => time(trade.exit_time), isText: true },
    { header: 'Price', cell: (trade) => price(trade.exit_price) },
    { header: 'Quantity', cell: ({ quantity }) => price(quantity) },
    { header: 'Costs', cell: ({ commission, slippage }) => money(commission + slippage) },
    { header: 'Net', cell: (trade) => money(trade.net_pnl) },
    { header: 'Why', cell: (trade) => trade.decision_metadata.exit_reason, isText: true },
  ]);
}

function thinned({ equity, barCount, stride }: BacktestReport): string {
  const bars = plural(barCount, 'bar');
  const kept = equity.length < barCount ? `; equity was kept at ${count(equity.length)} of them` : '';
  const isThinned = equity.length > POINTS_MAX || stride > 1;
  const shown = isThinned ? `, thinned to at most ${count(POINTS_MAX)} points for display` : '';
  return `${bars}${shown}${kept}.`;
}

function period(equity: readonly EquityPoint[]): string {
  const [first, last] = [equity[0], equity.at(-1)].map((point) => point?.time.slice(0, 10) ?? '–');
  return `${first} to ${last}`;
}

function unitOf(name: string): (typeof METRICS)[number]['unit'] | undefined {
  return METRICS.find((metric) => metric.name === name)?.unit;
}
