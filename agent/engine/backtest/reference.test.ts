import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import type { Rng } from '#agent/kit/rng';
import { TIMEFRAMES } from '#agent/contract/timeframe';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { STRATEGIES, strategyNamed } from '#agent/engine/strategy/registry';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import { randomBars } from '#test/support/random-bars';
import { referenceBacktest } from '#test/support/reference-backtest';
import { toKtrdrMetrics } from './ktrdr';
import { runBacktest } from './run';

const RUNS = 400;

function pick<T>(rng: Rng, values: readonly T[]): T {
  return values[rng.below(values.length)] as T;
}

/** A strategy of the registry with short periods, or one that tosses a coin at each bar. */
function randomStrategy(rng: Rng): { strategy: Strategy; parameters: ParameterValues } {
  const strategy = pick(rng, [...STRATEGIES, undefined]);
  if (strategy === undefined) {
    const seed = rng.below(2 ** 31);
    const targets: Strategy['targets'] = (bars) => {
      const coin = seededRng(seed);
      return Int8Array.from({ length: bars.length }, () => coin.below(3) - 1);
    };
    return { strategy: { ...strategyNamed('sma_cross'), name: 'coin', targets }, parameters: {} };
  }
  const allow_short = rng.below(2) === 1;
  const fast = 1 + rng.below(10);
  const chosen: Record<string, object> = {
    sma_cross: {
      fast,
      slow: fast + 1 + rng.below(20),
      average: pick(rng, ['sma', 'ema', 'wma']),
      allow_short,
    },
    rsi_reversion: {
      period: 2 + rng.below(10),
      lower: 20 + rng.below(30),
      upper: 51 + rng.below(30),
      allow_short,
    },
  };
  return { strategy, parameters: parseParameters(strategy, chosen[strategy.name]) };
}

test(`the engine agrees with a slow and obvious implementation on ${RUNS} random runs`, () => {
  let trades = 0;
  let ruins = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const rng = seededRng(seed);
    const timeframe = pick(rng, TIMEFRAMES.slice(0, -1));
    const length = 1 + rng.below(pick(rng, [3, 60, 500]));
    const volatility = pick(rng, [0, 0.01, 0.05, 0.4]);
    const bars = randomBars(rng, {
      length,
      timeframe,
      volatility,
      startPrice: pick(rng, [0.5, 100, 40_000]),
    });
    const { strategy, parameters } = randomStrategy(rng);
    const options = {
      firstBar: rng.below(Math.min(length, 30)),
      costs: { commissionRate: pick(rng, [0, 0.001, 0.02]), slippageRate: pick(rng, [0, 0.0005, 0.01]) },
      capital: {
        initialCapital: pick(rng, [1000, 100_000, 1e7]),
        positionFraction: pick(rng, [0.1, 0.25, 1]),
      },
    };
    const result = runBacktest({ bars, strategy, parameters, ...options });
    const targets = strategy.targets(bars, parameters, createIndicatorCache());
    const expected = referenceBacktest(bars, targets, options);

    const where = `seed ${seed}`;
    const scale = options.capital.initialCapital;
    const metrics = toKtrdrMetrics(result.metrics);
    expect(Object.keys(metrics).toSorted()).toEqual(Object.keys(expected.metrics).toSorted());
    for (const [name, value] of Object.entries(metrics)) {
      expect(`${where} ${name} ${describeDifference(value, expected.metrics[name] ?? null, scale)}`).toBe(
        `${where} ${name} agrees`,
      );
    }
    expect(result.equity.equity).toHaveLength(expected.equity.length);
    const netSum = result.trades.reduce((total, { netPnl }) => total + netPnl, scale);
    expect(Math.abs(netSum - result.metrics.finalEquity)).toBeLessThan(0.005);
    expect(result.trades.map(({ netPnl }) => cents(netPnl))).toEqual(expected.netPnls.map(cents));
    for (const trade of result.trades) {
      expect(Math.abs(trade.grossPnl - trade.commission - trade.netPnl)).toBeLessThan(1e-9 * scale);
    }
    trades += result.trades.length;
    if (expected.equity.some((value) => value <= 0)) ruins++;
  }
  // The comparison is worth something only when the runs traded, and some went below zero.
  expect(trades).toBeGreaterThan(4000);
  expect(ruins).toBeGreaterThan(0);
});

function describeDifference(ours: number | null, theirs: number | null, scale: number): string {
  if (ours === null || theirs === null) return ours === theirs ? 'agrees' : `${ours} instead of ${theirs}`;
  const tolerance = 1e-9 * Math.max(1, Math.abs(theirs)) + 1e-13 * scale;
  return Math.abs(ours - theirs) <= tolerance ? 'agrees' : `${ours} instead of ${theirs}`;
}

/** Whole cents; the addition makes the 0 of −0. */
function cents(amount: number): number {
  return Math.round(amount * 100) + 0;
}
