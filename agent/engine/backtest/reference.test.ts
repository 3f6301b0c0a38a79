import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import type { Rng } from '#agent/kit/rng';
import { TIMEFRAMES, timeframeMs } from '#agent/contract/timeframe';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { strategyNamed } from '#agent/engine/strategy/registry';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import { randomBars } from '#test/support/random-bars';
import { pick, randomCosts, randomRisk, randomSignals, randomSizing } from '#test/support/random-strategy';
import { referenceBacktest } from '#test/support/reference-backtest';
import type { ReferenceOptions } from '#test/support/reference-backtest';
import { toKtrdrMetrics } from './ktrdr';
import { runBacktest } from './run';
import { createScratch } from './scratch';

const RUNS = 1000;

interface RandomRun {
  bars: Bars;
  strategy: Strategy;
  parameters: ParameterValues;
  options: ReferenceOptions;
}

function randomRun(rng: Rng): RandomRun {
  const timeframe = pick(rng, TIMEFRAMES.slice(0, -1));
  const length = 1 + rng.below(pick(rng, [3, 60, 500]));
  const volatility = pick(rng, [0, 0.01, 0.05, 0.4]);
  const startPrice = pick(rng, [0.5, 100, 40_000]);
  const bars = randomBars(rng, { length, timeframe, volatility, startPrice });
  const initialCapital = pick(rng, [1000, 100_000, 1e7]);
  return {
    bars,
    ...randomRule(rng, { length, moves: volatility * startPrice }),
    options: {
      firstBar: rng.below(Math.min(length, 30)),
      costs: randomCosts(rng),
      capital: { initialCapital, positionFraction: 0.25 },
      sizing: randomSizing(rng, initialCapital),
      risk: randomRisk(rng, { volatility, barMs: timeframeMs(timeframe) }),
    },
  };
}

/** A built-in strategy with short periods, or one whose every column is tossed. */
function randomRule(
  rng: Rng,
  { length, moves }: { length: number; moves: number },
): Pick<RandomRun, 'strategy' | 'parameters'> {
  const allow_short = rng.below(2) === 1;
  const choice = rng.below(6);
  if (choice === 0) {
    const fast = 1 + rng.below(10);
    const average = pick(rng, ['sma', 'ema', 'wma']);
    const strategy = strategyNamed('sma_cross');
    const slow = fast + 1 + rng.below(20);
    return { strategy, parameters: parseParameters(strategy, { fast, slow, average, allow_short }) };
  }
  if (choice === 1) {
    const strategy = strategyNamed('rsi_reversion');
    const levels = { lower: 20 + rng.below(30), upper: 51 + rng.below(30) };
    const period = 2 + rng.below(10);
    return { strategy, parameters: parseParameters(strategy, { period, ...levels, allow_short }) };
  }
  const signals = randomSignals(rng, length, moves);
  const tossed = { name: 'tossed', warmupBars: () => 0, signals: () => signals };
  return { strategy: { ...strategyNamed('sma_cross'), ...tossed }, parameters: {} };
}

test(`the engine agrees with a slow and obvious implementation on ${RUNS} random runs`, () => {
  const seen: Record<string, number> = { ruins: 0, shorts: 0 };
  const scratch = createScratch();
  for (let seed = 1; seed <= RUNS; seed++) {
    const { bars, strategy, parameters, options } = randomRun(seededRng(seed));
    const result = runBacktest({ bars, strategy, parameters, scratch, ...options });
    const signals = strategy.signals(bars, parameters, createIndicatorCache());
    const expected = referenceBacktest(bars, signals, options);

    const where = `seed ${seed}`;
    const scale = options.capital.initialCapital;
    const metrics = toKtrdrMetrics(result.metrics);
    expect(Object.keys(metrics).toSorted()).toEqual(Object.keys(expected.metrics).toSorted());
    expect([where, ...result.trades.map(({ exitReason }) => exitReason)]).toEqual([
      where,
      ...expected.reasons,
    ]);
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
      expect(trade.maxFavorableExcursion).toBeGreaterThanOrEqual(0);
      expect(trade.maxAdverseExcursion).toBeLessThanOrEqual(0);
      expect(trade.exitTimeUs).toBeGreaterThanOrEqual(trade.entryTimeUs);
      seen[trade.exitReason] = (seen[trade.exitReason] ?? 0) + 1;
      if (trade.side === 'SHORT') seen['shorts'] = (seen['shorts'] ?? 0) + 1;
    }
    if (expected.equity.some((value) => value <= 0)) seen['ruins'] = (seen['ruins'] ?? 0) + 1;
  }
  // The comparison is worth something only when every kind of exit was in it, and some runs ended in ruin.
  for (const kind of ['signal', 'stop', 'target', 'trailing', 'shorts']) {
    expect(seen[kind]).toBeGreaterThan(500);
  }
  expect(seen['end_of_data']).toBeGreaterThan(100);
  expect(seen['ruins']).toBeGreaterThan(0);
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
