import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { findLookAhead } from '#agent/engine/backtest/look-ahead';
import { signalsOfTargets } from '#agent/engine/backtest/signals';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { planSweep } from '#agent/engine/search/plan';
import { randomBars } from '#test/support/random-bars';
import { parseParameters } from './parameters';
import { STRATEGIES, strategyNamed } from './registry';
import type { Strategy } from './strategy';

function barsOf(closes: number[]): Bars {
  const close = Float64Array.from(closes);
  const time = BigInt64Array.from(closes, (_, i) => BigInt(i) * 86_400_000_000n);
  return createBars('TEST', '1d', { time, open: close, high: close, low: close, close, volume: close });
}

/** The position wanted at each close: 1 long, 0 flat, −1 short; entries and exits must be opposites. */
function targetsOf(name: string, closes: number[], parameters: object): number[] {
  const strategy = strategyNamed(name);
  const values = parseParameters(strategy, parameters);
  const { enterLong, exitLong, enterShort, exitShort } = strategy.signals(
    barsOf(closes),
    values,
    createIndicatorCache(),
  );
  return closes.map((_, bar) => {
    const long = enterLong[bar] ?? NaN;
    const short = enterShort?.[bar] ?? 0;
    expect([exitLong[bar], exitShort?.[bar] ?? 1]).toEqual([1 - long, 1 - short]);
    return long - short;
  });
}

describe('sma_cross', () => {
  const closes = [1, 2, 3, 4, 3, 2, 1, 1, 1, 5];

  test('is long while the fast average is above, flat below, when equal and in warm-up', () => {
    expect(targetsOf('sma_cross', closes, { fast: 1, slow: 3 })).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
  });

  test('is short below when allowed', () => {
    const parameters = { fast: 1, slow: 3, allow_short: true };
    expect(targetsOf('sma_cross', closes, parameters)).toEqual([0, 0, 1, 1, -1, -1, -1, -1, 0, 1]);
  });

  test('never decides on fewer bars than it needs', () => {
    expect(targetsOf('sma_cross', [1, 2], { fast: 1, slow: 3 })).toEqual([0, 0]);
  });
});

describe('rsi_reversion', () => {
  // RSI(2): none, none, 0, 0, 66.7, 85.7, 40, 26.1, 76.1
  const closes = [10, 9, 8, 7, 9, 11, 9, 8, 11];

  test('is long from below the lower level until above the upper', () => {
    const parameters = { period: 2, lower: 30, upper: 80 };
    expect(targetsOf('rsi_reversion', closes, parameters)).toEqual([0, 0, 1, 1, 1, 0, 0, 1, 1]);
  });

  test('leaves at the exit level when there is one', () => {
    const parameters = { period: 2, lower: 30, upper: 80, exit: 60 };
    expect(targetsOf('rsi_reversion', closes, parameters)).toEqual([0, 0, 1, 1, 0, 0, 0, 1, 0]);
  });

  test('goes short above the upper level when allowed', () => {
    const parameters = { period: 2, lower: 30, upper: 80, exit: 60, allow_short: true };
    expect(targetsOf('rsi_reversion', closes, parameters)).toEqual([0, 0, 1, 1, 0, -1, 0, 1, 0]);
  });
});

describe('looking ahead', () => {
  const bars = randomBars(seededRng(42), { length: 400 });
  const everyCutoff = Array.from({ length: bars.length + 1 }, (_, i) => i);

  test.each(STRATEGIES.map((strategy) => [strategy.name, strategy] as const))(
    '%s never does, at any bar',
    (_, strategy) => {
      const plan = planSweep(strategy);
      const rng = seededRng(7);
      const inputs = [{ allow_short: true }, plan.parametersAt(rng.below(plan.unitCount))];
      for (const input of inputs) {
        const parameters = parseParameters(strategy, input);
        expect(findLookAhead(bars, { strategy, parameters }, everyCutoff)).toBeUndefined();
        const decided = strategy.signals(bars, parameters, createIndicatorCache());
        const warmup = strategy.warmupBars(parameters);
        for (const entries of [decided.enterLong, decided.enterShort]) {
          expect(entries?.subarray(0, warmup).every((signal) => signal === 0)).not.toBeFalse();
        }
      }
    },
  );

  test('is caught when planted, be it one bar or a mean over all bars', () => {
    const planted = (decide: (some: Bars, bar: number) => boolean): Strategy => ({
      ...strategyNamed('sma_cross'),
      signals: (some) => signalsOfTargets(Int8Array.from(some.close, (__, bar) => Number(decide(some, bar)))),
    });
    const close = (some: Bars, bar: number): number => some.close[bar] ?? NaN;
    const nextBar = planted((some, bar) => close(some, bar + 1) > close(some, bar));
    const meanOfAll = planted(
      (some, bar) => close(some, bar) > some.close.reduce((a, b) => a + b, 0) / some.length,
    );
    for (const strategy of [nextBar, meanOfAll]) {
      expect(findLookAhead(bars, { strategy, parameters: {} }, everyCutoff)).toBeDefined();
    }
    const sameBar = planted((some, bar) => close(some, bar) > close(some, bar - 1));
    expect(findLookAhead(bars, { strategy: sameBar, parameters: {} }, everyCutoff)).toBeUndefined();
  });
});
