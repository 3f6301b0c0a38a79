import { assert } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { calendarOf } from './calendar';
import { computeMetrics } from './metrics';
import { COLLECT_ALL, DEFAULT_CAPITAL, DEFAULT_COSTS } from './request';
import type { BacktestRequest, Capital, Costs } from './request';
import type { BacktestResult, EquitySamples } from './result';
import { simulate } from './simulate';
import { describeTrades } from './trades';

/**
 * One backtest: targets at each close, fills at the next open, costs, trades, equity and metrics.
 * The same bits on every host for the same request. Throws Fault `invalid` without bars, or for costs
 * or capital out of range.
 */
export function runBacktest(request: BacktestRequest): BacktestResult {
  const { bars, strategy, parameters } = request;
  const { firstBar = 0, costs = DEFAULT_COSTS, capital = DEFAULT_CAPITAL, collect = COLLECT_ALL } = request;
  checkRanges(costs, capital);
  if (firstBar >= bars.length) throw noBars(bars);

  const cache = request.cache ?? createIndicatorCache();
  const targets = strategy.targets(bars, parameters, cache);
  assert(targets.length === bars.length, `${strategy.name} must decide at every bar`);
  const simulation = simulate(bars, targets, { firstBar, costs, capital });
  const calendar = calendarOf(bars);
  const { initialCapital } = capital;
  return {
    metrics: computeMetrics({ bars, firstBar, initialCapital, calendar, simulation }),
    trades: describeTrades(bars, simulation.roundTrips, { costs, tradesMax: collect.tradesMax }),
    equity: sampleEquity(bars, simulation.equity, collect.equityPointsMax),
    barCount: simulation.equity.length,
    openAtEnd: simulation.roundTrips.at(-1)?.forced ?? false,
    periodsPerYear: calendar.periodsPerYear,
  };
}

function checkRanges(costs: Costs, capital: Capital): void {
  checkRange('commission', costs.commissionRate, { minimum: 0, below: 1 });
  checkRange('slippage', costs.slippageRate, { minimum: 0, below: 1 });
  const { initialCapital, positionFraction } = capital;
  if (!(initialCapital > 0 && initialCapital <= Number.MAX_SAFE_INTEGER)) {
    throw outOfRange('initial_capital', initialCapital, 'above 0');
  }
  if (!(positionFraction > 0 && positionFraction <= 1)) {
    throw outOfRange('position_fraction', positionFraction, 'above 0 and at most 1');
  }
}

function checkRange(name: string, value: number, range: { minimum: number; below: number }): void {
  if (value >= range.minimum && value < range.below) return;
  throw outOfRange(name, value, `from ${range.minimum} to below ${range.below}, as a fraction of notional`);
}

function outOfRange(name: string, value: number, range: string): Fault {
  return new Fault('invalid', `Cannot run a backtest: ${name} is ${value}`, { hint: `${name} is ${range}` });
}

function noBars(bars: Bars): Fault {
  return new Fault(
    'invalid',
    `Cannot run a backtest on ${bars.symbol} ${bars.timeframe}: the range holds no bars`,
    { hint: `widen the dates, or import bars: ktrdr-agent data show ${bars.symbol} ${bars.timeframe}` },
  );
}

/** At most `pointsMax` points at even distances, the first and the last always among them. */
function sampleEquity(bars: Bars, equity: Float64Array, pointsMax: number): EquitySamples {
  const count = Math.min(pointsMax, equity.length);
  const timeMs: number[] = [];
  const values: number[] = [];
  const firstBar = bars.length - equity.length;
  const { timeUs } = calendarOf(bars);
  for (let i = 0; i < count; i++) {
    const index = count === 1 ? equity.length - 1 : Math.round((i * (equity.length - 1)) / (count - 1));
    timeMs.push((timeUs[firstBar + index] as number) / 1000);
    values.push(equity[index] as number);
  }
  return { timeMs, equity: values };
}
