import { assert } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { calendarOf } from './calendar';
import { checkRequest } from './check-request';
import { completeCosts } from './costs';
import { computeMetrics } from './metrics';
import { COLLECT_ALL, DEFAULT_CAPITAL, DEFAULT_COSTS } from './request';
import type { BacktestRequest } from './request';
import type { BacktestResult, EquitySamples } from './result';
import { createScratch } from './scratch';
import { SIGNAL_COLUMNS } from './signals';
import type { Signals } from './signals';
import { simulate } from './simulate';
import { describeTrades } from './trades';

/**
 * One backtest: decisions at each close, fills at the next open, stops within bars, costs, trades,
 * equity and metrics. The same bits on every host for the same request. Throws Fault `invalid` without
 * bars, or for costs, capital, sizes or distances out of range.
 */
export function runBacktest(request: BacktestRequest): BacktestResult {
  const { bars, parameters, firstBar = 0, collect = COLLECT_ALL } = request;
  const { costs = DEFAULT_COSTS, capital = DEFAULT_CAPITAL, scratch = createScratch() } = request;
  checkRequest(request);
  if (firstBar >= bars.length) throw noBars(bars);

  const signals = decide(request);
  const firstDecision = request.strategy.warmupBars(parameters);
  const simulation = simulate(bars, signals, {
    firstBar,
    firstDecision,
    costs,
    capital,
    scratch,
    ...(request.sizing === undefined ? {} : { sizing: request.sizing }),
    ...(request.risk === undefined ? {} : { risk: request.risk }),
  });
  const calendar = calendarOf(bars);
  const { initialCapital } = capital;
  const { tradesMax, equityPointsMax } = collect;
  return {
    metrics: computeMetrics({ bars, firstBar, initialCapital, calendar, simulation, scratch }),
    trades: describeTrades(bars, simulation.roundTrips, { costs: completeCosts(costs), tradesMax }),
    equity: sampleEquity(bars, simulation.equity, equityPointsMax),
    barCount: simulation.equity.length,
    openAtEnd: simulation.roundTrips.at(-1)?.reason === 'end_of_data',
    periodsPerYear: calendar.periodsPerYear,
  };
}

function decide({ bars, strategy, parameters, cache = createIndicatorCache() }: BacktestRequest): Signals {
  cache.beginRun();
  const signals = strategy.signals(bars, parameters, cache);
  for (const name of SIGNAL_COLUMNS) {
    const column = signals[name];
    assert(
      column === null || column.length === bars.length,
      `${strategy.name} must decide ${name} at every bar`,
    );
  }
  return signals;
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
