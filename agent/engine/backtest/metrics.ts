import { timeframeMs } from '#agent/contract/timeframe';
import type { Bars } from '#agent/engine/bars';
import { power } from '#agent/engine/power';
import { kurtosis, momentsAround, skewness, standardDeviation } from '#agent/engine/statistics/moments';
import type { Calendar } from './calendar';
import { tradeMetrics } from './trade-metrics';
import type { TradeMetrics } from './trade-metrics';
import type { Scratch } from './scratch';
import type { Simulation } from './simulate';

/**
 * Every figure of a run; `null` where it is undefined, never a sentinel.
 * Names, units and directions: `METRICS` in metric-table.ts.
 */
export interface BacktestMetrics extends ReturnMetrics, TradeMetrics {
  totalReturn: number;
  totalReturnPct: number;
  finalEquity: number;
  maxDrawdown: number;
  maxDrawdownPct: number;
  calmarRatio: number | null;
  recoveryFactor: number | null;
  exposure: number;
  buyAndHoldReturn: number | null;
}

export interface ReturnMetrics {
  annualizedReturn: number | null;
  volatility: number | null;
  sharpeRatio: number | null;
  compoundedSharpeRatio: number | null;
  sortinoRatio: number | null;
  dailyReturnsCount: number;
  periodsPerYear: number;
  skewness: number | null;
  kurtosis: number | null;
}

export interface MetricsInput {
  bars: Bars;
  firstBar: number;
  initialCapital: number;
  calendar: Calendar;
  simulation: Simulation;
  scratch: Scratch;
}

/** All metrics of a finished simulation. */
export function computeMetrics(input: MetricsInput): BacktestMetrics {
  const { bars, firstBar, initialCapital, simulation } = input;
  const { equity, roundTrips } = simulation;
  const finalEquity = equity.at(-1) ?? initialCapital;
  const totalReturn = finalEquity - initialCapital;
  const returns = returnMetrics(input);
  const drawdown = drawdowns(equity, initialCapital);
  const barsHeld = roundTrips.reduce(
    (sum, trip) => sum + trip.exitBar - trip.entryBar + (trip.exitAt === 'open' ? 0 : 1),
    0,
  );
  const firstClose = bars.close[firstBar] ?? NaN;
  const lastClose = bars.close[bars.length - 1] ?? NaN;
  return {
    totalReturn,
    totalReturnPct: totalReturn / initialCapital,
    finalEquity,
    ...returns,
    maxDrawdown: drawdown.currency,
    maxDrawdownPct: drawdown.fraction,
    calmarRatio: ratio(returns.annualizedReturn, drawdown.fraction),
    recoveryFactor: ratio(totalReturn, drawdown.currency),
    exposure: equity.length === 0 ? 0 : barsHeld / equity.length,
    buyAndHoldReturn: firstClose > 0 ? finite(lastClose / firstClose - 1) : null,
    ...tradeMetrics(roundTrips, {
      timeUs: input.calendar.timeUs,
      barMs: timeframeMs(bars.timeframe),
      noise: NOISE * initialCapital,
    }),
  };
}

function undefinedReturns(periodsPerYear: number): ReturnMetrics {
  return {
    annualizedReturn: null,
    volatility: null,
    sharpeRatio: null,
    compoundedSharpeRatio: null,
    sortinoRatio: null,
    dailyReturnsCount: 0,
    periodsPerYear,
    skewness: null,
    kurtosis: null,
  };
}

/**
 * Returns r over the calendar's periods, the first one against the initial capital; N periods a year.
 * annualized gmean(1 + r)^N − 1 = (final / initial)^(N / n) − 1; volatility s · √N with the sample
 * deviation s (ddof 1); Sharpe mean(r) / s · √N; Sortino annualized / (√mean(min(r, 0)²) · √N);
 * skewness and kurtosis of r as the probabilistic Sharpe ratio needs them (statistics/sharpe.ts).
 * Equity at or below zero has no returns: all are null.
 */
function returnMetrics({ calendar, firstBar, initialCapital, ...input }: MetricsInput): ReturnMetrics {
  const { equity } = input.simulation;
  const { periodEnd, periodsPerYear } = calendar;
  const returns = input.scratch.float64('returns', periodEnd.length);
  let count = 0;
  let sum = 0;
  let downside = 0;
  let previous = initialCapital;
  // Indexed: JavaScriptCore iterates a typed array by for…of at a tenth of the speed.
  const periods = periodEnd.length;
  for (let i = 0; i < periods; i++) {
    const bar = (periodEnd[i] as number) - firstBar;
    if (bar < 0) continue;
    const value = equity[bar] as number;
    if (!(value > 0)) return undefinedReturns(periodsPerYear);
    const change = value / previous - 1;
    returns[count++] = change;
    sum += change;
    if (change < 0) downside += change * change;
    previous = value;
  }
  if (count === 0) return undefinedReturns(periodsPerYear);

  const mean = sum / count;
  const moments = momentsAround(mean, returns, count);
  const spread = standardDeviation(moments);
  const deviation = spread === null ? null : aboveNoise(spread);
  const varies = deviation !== null && deviation > 0;
  const yearRoot = Math.sqrt(periodsPerYear);
  const annualizedReturn = finite(power(previous / initialCapital, periodsPerYear / count) - 1);
  const volatility = deviation === null ? null : deviation * yearRoot;
  return {
    annualizedReturn,
    volatility,
    sharpeRatio: ratio(mean * yearRoot, deviation),
    compoundedSharpeRatio: ratio(annualizedReturn, volatility),
    sortinoRatio: ratio(annualizedReturn, aboveNoise(Math.sqrt(downside / count)) * yearRoot),
    dailyReturnsCount: count,
    periodsPerYear,
    skewness: varies ? skewness(moments) : null,
    kurtosis: varies ? kurtosis(moments) : null,
  };
}

/** Cash is rounded to some 1e-16 of itself at each fill; a ratio to a spread of about that size says nothing. */
const NOISE = 1e-12;

function aboveNoise(spread: number): number {
  return spread < NOISE ? 0 : spread;
}

/** Largest falls from the running peak, which starts at the initial capital; both are positive. */
function drawdowns(equity: Float64Array, initialCapital: number): { currency: number; fraction: number } {
  let peak = initialCapital;
  let currency = 0;
  let fraction = 0;
  const { length } = equity;
  for (let i = 0; i < length; i++) {
    const value = equity[i] as number;
    if (value > peak) peak = value;
    else {
      const fall = peak - value;
      if (fall > currency) currency = fall;
      if (fall > fraction * peak) fraction = fall / peak;
    }
  }
  return { currency, fraction };
}

function ratio(numerator: number | null, denominator: number | null): number | null {
  if (numerator === null || denominator === null || !(denominator > 0)) return null;
  return finite(numerator / denominator);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
