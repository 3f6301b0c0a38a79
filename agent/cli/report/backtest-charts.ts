import type { BacktestTrade, EquityPoint } from '#agent/contract/backtest';
import { BASE, AXIS, timeChart, timeLine, TOOLTIP } from './axes';
import type { Chart, ChartOption } from './page';
import type { PricePoint } from './price-points';
import { POINTS_MAX, thin } from './thin';

type TimedValue = readonly [timeMs: number, value: number];

const GROUP = 'time';

/** The equity, and what holding the asset with the same money would have been worth, without costs. */
export function equityChart(equity: readonly EquityPoint[], prices: readonly PricePoint[]): Chart {
  const held = heldEquity(equity, prices);
  const lines = [
    timeLine({ name: 'Equity', points: thin(timed(equity), POINTS_MAX), colour: '$equity' }),
    ...(held.length === 0
      ? []
      : [timeLine({ name: 'Buy and hold', points: held, colour: '$benchmark', isDashed: true })]),
  ];
  const option = timeChart({ series: lines, format: 'money', name: 'Equity', hasSlider: true });
  return { id: 'chart-equity', group: GROUP, option };
}

/** Falls below the highest equity so far, of every point; a chart keeps the deepest of each stretch. */
export function drawdownChart(equity: readonly EquityPoint[], prices: readonly PricePoint[]): Chart {
  const deepest = (stretch: readonly TimedValue[]) =>
    stretch.toSorted((left, right) => left[1] - right[1])[0];
  const own = thin(drawdowns(timed(equity)), POINTS_MAX, deepest);
  const held = drawdowns(heldEquity(equity, prices));
  const series = [
    timeLine({ name: 'Drawdown', points: own, colour: '$equity', isFilled: true }),
    ...(held.length === 0
      ? []
      : [timeLine({ name: 'Buy and hold', points: held, colour: '$benchmark', isDashed: true })]),
  ];
  const option = timeChart({ series, format: 'percent', name: 'Drawdown' });
  return { id: 'chart-drawdown', group: GROUP, height: 'low', option };
}

/** Closes, with a mark at each fill: shapes say what it is, colours repeat it. */
export function tradesChart(trades: readonly BacktestTrade[], prices: readonly PricePoint[]): Chart {
  const won = trades.filter((trade) => trade.net_pnl > 0);
  const lost = trades.filter((trade) => trade.net_pnl <= 0);
  const long = trades.filter((trade) => trade.side === 'LONG');
  const short = trades.filter((trade) => trade.side === 'SHORT');
  const points = prices.map(({ timeMs, close }): TimedValue => [timeMs, close]);
  const series = [
    timeLine({ name: 'Close', points, colour: '$benchmark' }),
    ...marks('Long entry', long.map(entry), { symbol: 'triangle', colour: '$text' }),
    ...marks('Short entry', short.map(entry), { symbol: 'path://M0 0L10 0L5 10Z', colour: '$text' }),
    ...marks('Exit with profit', won.map(exit), { symbol: 'circle', colour: '$gain' }),
    ...marks('Exit with loss', lost.map(exit), { symbol: CROSS, colour: '$loss' }),
  ];
  const option = timeChart({ series, format: 'money', name: 'Price', hasSlider: true });
  return { id: 'chart-trades', group: GROUP, height: 'high', option };
}

const CROSS = 'path://M0 2L2 0L6 4L10 0L12 2L8 6L12 10L10 12L6 8L2 12L0 10L4 6Z';

/** Net result of trades as a fraction of what was put in, in bins of equal width. */
export function tradeReturnsChart(trades: readonly BacktestTrade[]): Chart {
  const returns = trades.map((trade) => trade.net_pnl / (trade.entry_price * trade.quantity));
  return {
    id: 'chart-trade-returns',
    height: 'low',
    option: histogramOption(returns, { format: 'percent' }),
  };
}

export interface HistogramOptions {
  format: 'percent' | 'ratio';
  /** Upright lines with a name, at values of the axis. */
  lines?: ReadonlyArray<readonly [name: string, value: number]>;
}

const BINS = 40;

/** Steps, one a bin. Bins below zero and above it differ in colour and lie on their side of the axis. */
export function histogramOption(
  values: readonly number[],
  { format, lines = [] }: HistogramOptions,
): ChartOption {
  const [low = 0, high = 0] = extremes(values);
  const width = (high - low) / BINS || 1;
  // Bins begin at a multiple of their width, so that none has zero within.
  const first = Math.floor(low / width);
  const counts = Array.from({ length: Math.floor(high / width) - first + 1 }, () => 0);
  for (const value of values) {
    const bin = Math.floor(value / width) - first;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const bins = counts.map((count, index) => ({ bin: first + index, count }));
  const below = bins.filter(({ bin }) => bin < 0);
  const above = bins.filter(({ bin }) => bin >= 0);
  return {
    ...BASE,
    grid: { left: 64, right: 40, top: lines.length === 0 ? 32 : 72, bottom: 32 },
    tooltip: { ...TOOLTIP, trigger: 'axis' },
    xAxis: {
      type: 'value',
      scale: true,
      ...AXIS,
      axisLabel: { color: '$muted', formatter: `$format:${format}` },
    },
    yAxis: { type: 'value', name: 'count', ...AXIS, axisLine: { onZero: false }, minInterval: 1 },
    series: [
      ...steps('below zero', below, { width, colour: '$loss' }),
      ...steps('above zero', above, { width, colour: '$gain' }),
      ...lines.map(([name, value], index) => upright(name, value, 6 + 18 * index)),
    ],
  };
}

/** From the left edge of each bin to that of the next, and down to zero after the last. */
function steps(
  name: string,
  bins: ReadonlyArray<{ bin: number; count: number }>,
  { width, colour }: { width: number; colour: string },
): ChartOption[] {
  const end = bins.at(-1);
  if (end === undefined) return [];
  const edges = bins.map(({ bin, count }) => [rounded(bin * width), count]);
  return [
    {
      type: 'line',
      name,
      step: 'end',
      symbol: 'none',
      data: [...edges, [rounded((end.bin + 1) * width), 0]],
      itemStyle: { color: colour },
      lineStyle: { color: colour, width: 1 },
      areaStyle: { color: colour, opacity: 0.55 },
    },
  ];
}

function upright(name: string, value: number, distance: number): ChartOption {
  return {
    type: 'line',
    data: [],
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: '$text', type: 'dashed' },
      label: { color: '$text', formatter: '{b}', distance },
      data: [{ name: `${name}: ${value.toFixed(2)}`, xAxis: value }],
    },
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** Without spreading a million arguments. */
function extremes(values: readonly number[]): number[] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return values.length === 0 ? [0] : [low, high];
}

function marks(
  name: string,
  points: ReadonlyArray<readonly [number, number]>,
  { symbol, colour }: { symbol: string; colour: string },
): ChartOption[] {
  if (points.length === 0) return [];
  return [{ type: 'scatter', name, data: points, symbol, symbolSize: 9, itemStyle: { color: colour } }];
}

function entry(trade: BacktestTrade): TimedValue {
  return [Date.parse(trade.entry_time), trade.entry_price];
}

function exit(trade: BacktestTrade): TimedValue {
  return [Date.parse(trade.exit_time), trade.exit_price];
}

function timed(equity: readonly EquityPoint[]): TimedValue[] {
  return equity.map(({ time, equity: value }) => [Date.parse(time), cents(value)]);
}

function heldEquity(equity: readonly EquityPoint[], prices: readonly PricePoint[]): TimedValue[] {
  const initial = equity[0]?.equity;
  const first = prices[0]?.close;
  if (initial === undefined || first === undefined || first === 0) return [];
  return prices.map(({ timeMs, close }) => [timeMs, cents((initial * close) / first)]);
}

function drawdowns(points: readonly TimedValue[]): TimedValue[] {
  let peak = -Infinity;
  return points.map(([timeMs, value]) => {
    peak = Math.max(peak, value);
    return [timeMs, peak > 0 ? Math.round((value / peak - 1) * 1e5) / 1e5 : 0];
  });
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}
