import { describe, expect, test } from 'bun:test';
import type { WindowChoice } from '#agent/contract/search-result';
import { seededRng } from '#agent/kit/rng';
import { toKtrdrMetrics } from '#agent/engine/backtest/ktrdr';
import { COLLECT_ALL } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { createBars, sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { kurtosis, momentsAround, skewness } from '#agent/engine/statistics/moments';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { randomBars } from '#test/support/random-bars';
import { planSweep } from './plan';
import { stitchTests, windowChoice } from './stitch';
import type { WindowUnit } from './stitch';
import { createWindowEvaluator, planWalkForward } from './walk-forward';
import { windowsOf } from './windows';
import type { WalkForwardWindow } from './windows';

const strategy = strategyNamed('sma_cross');
const combinations = planSweep(strategy, { fast: { values: [3, 5, 8] }, slow: { values: [13, 21] } });
const bars = randomBars(seededRng(5), { length: 700 });
const windows: WalkForwardWindow[] = windowsOf(
  { method: 'walk_forward', train_bars: 250, test_bars: 100, gap_bars: 10, anchored: false },
  { barCount: bars.length, start: null, end: null },
  bars,
);
const plan = planWalkForward(combinations, windows.length);

function evaluateAll(on: Bars): WindowUnit[] {
  const evaluate = createWindowEvaluator({ bars: on, strategy }, windows);
  return Array.from({ length: plan.unitCount }, (_, unitIndex) => {
    const { window, parameters } = plan.unitAt(unitIndex);
    return { unitIndex, parameters, metrics: evaluate(window, parameters) };
  });
}

const units = evaluateAll(bars);

/** As the store chooses: the best of a window by a training figure, ties to the lower index. */
function choose(all: readonly WindowUnit[]): WindowUnit[] {
  const ratio = (unit: WindowUnit) => unit.metrics['train.sharpe_ratio'] ?? -Infinity;
  return windows.map((_, window) =>
    all
      .filter(({ metrics }) => metrics['window'] === window)
      .reduce((best, unit) => (ratio(unit) > ratio(best) ? unit : best)),
  );
}

describe('planWalkForward()', () => {
  test('numbers the units window by window', () => {
    expect(windows).toHaveLength(5);
    expect(plan.unitCount).toBe(30);
    expect(plan.unitAt(0)).toEqual({ window: 0, parameters: combinations.parametersAt(0) });
    expect(plan.unitAt(6)).toEqual({ window: 1, parameters: combinations.parametersAt(0) });
    expect(plan.unitAt(29)).toEqual({ window: 4, parameters: combinations.parametersAt(5) });
  });

  test('refuses more units than a sweep may have', () => {
    const wide = planSweep(strategy, {
      fast: { from: 1, to: 500, step: 1 },
      slow: { from: 501, to: 700, step: 1 },
    });
    expect(planWalkForward(wide, 10).unitCount).toBe(1_000_000);
    expect(() => planWalkForward(wide, 11)).toThrow(
      'Cannot walk forward with 1100000 units (11 windows of 100000 combinations): the limit is 1000000',
    );
  });
});

describe('createWindowEvaluator()', () => {
  test('gives what a backtest of each part gives, with the bars before as warm-up', () => {
    for (const { metrics, parameters } of units) {
      const { train, test: after } = windows[metrics['window'] ?? -1] as WalkForwardWindow;
      for (const [name, range] of [['train', train] as const, ['test', after] as const]) {
        const known = sliceIndices(bars, 0, range.to);
        const alone = toKtrdrMetrics(
          runBacktest({ bars: known, strategy, parameters: parameters as never, firstBar: range.from })
            .metrics,
        );
        for (const [metric, value] of Object.entries(alone)) expect(metrics[`${name}.${metric}`]).toBe(value);
        expect(metrics[`${name}.from_ms`]).toBe(Number((bars.time[range.from] as bigint) / 1000n));
        expect(metrics[`${name}.to_ms`]).toBe(Number((bars.time[range.to - 1] as bigint) / 1000n));
      }
    }
  });

  test('training knows nothing of the gap and the test, nor a test of what follows', () => {
    const { train, test: after } = windows[2] as WalkForwardWindow;
    const inWindow = (all: readonly WindowUnit[], name: string) =>
      all
        .filter(({ metrics }) => metrics['window'] === 2)
        .map(({ metrics }) => Object.entries(metrics).filter(([key]) => key.startsWith(name)));
    const otherTest = evaluateAll(withOtherPrices(bars, train.to));
    expect(inWindow(otherTest, 'train.')).toEqual(inWindow(units, 'train.'));
    expect(inWindow(otherTest, 'test.')).not.toEqual(inWindow(units, 'test.'));
    const otherFuture = evaluateAll(withOtherPrices(bars, after.to));
    expect(inWindow(otherFuture, 't')).toEqual(inWindow(units, 't'));
  });

  test('a part without bars has no figures', () => {
    const empty = { train: { from: 0, to: 100 }, test: { from: 100, to: 101 } };
    const metrics = createWindowEvaluator({ bars, strategy }, [empty])(0, combinations.parametersAt(0));
    expect(metrics['train.sharpe_ratio']).toBeNumber();
    const tested = Object.entries(metrics).filter(([name]) => name.startsWith('test.'));
    expect(tested.length).toBeGreaterThan(20);
    expect(tested.every(([, value]) => value === null)).toBeTrue();
  });
});

describe('stitchTests()', () => {
  test('has the figures of the daily returns of all test parts, one after the other', () => {
    const chosen = choose(units);
    const returns = chosen.flatMap(({ parameters, metrics }) => {
      const { test: after } = windows[metrics['window'] ?? -1] as WalkForwardWindow;
      const { equity } = runBacktest({
        bars: sliceIndices(bars, 0, after.to),
        strategy,
        parameters: parameters as never,
        firstBar: after.from,
        collect: COLLECT_ALL,
      });
      const values = [100_000, ...equity.equity];
      return equity.equity.map((value, day) => value / (values[day] ?? NaN) - 1);
    });
    const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
    const moments = momentsAround(mean, Float64Array.from(returns));
    const stitched = stitchTests(chosen.map(windowChoice));
    expect(stitched.daily_returns_count).toBe(returns.length);
    expect(stitched.sharpe_ratio).toBeCloseTo(
      (mean / Math.sqrt(moments.squares / (returns.length - 1))) * Math.sqrt(365),
      9,
    );
    expect(stitched.skewness).toBeCloseTo(skewness(moments) ?? NaN, 9);
    expect(stitched.kurtosis).toBeCloseTo(kurtosis(moments) ?? NaN, 9);
    const growth = returns.reduce((product, value) => product * (1 + value), 1);
    expect(stitched.total_return_pct).toBeCloseTo(growth - 1, 12);
    expect(stitched.equity.equity).toHaveLength(6);
    expect(stitched.equity.equity.at(-1)).toBeCloseTo(growth, 12);
    expect(stitched.equity.time_ms).toEqual(stitched.equity.time_ms.toSorted((a, b) => a - b));
    expect(stitched.verdict).toMatch(
      /^no evidence of skill out of sample in 5 windows: probabilistic Sharpe 0\.\d\d \(needs 0\.95\)$/,
    );
  });

  test('a part that never traded counts its flat days', () => {
    const chosen = choose(units).map(windowChoice);
    const whole = stitchTests(chosen);
    const diluted = stitchTests([...chosen, tested({ total_return_pct: 0, daily_returns_count: 100 })]);
    expect(diluted.windows).toBe(6);
    expect(diluted.daily_returns_count).toBe(whole.daily_returns_count + 100);
    expect(diluted.total_return_pct).toBe(whole.total_return_pct);
    expect(Math.abs(diluted.sharpe_ratio ?? NaN)).toBeLessThan(Math.abs(whole.sharpe_ratio ?? NaN));
  });

  test('without returns, or after a ruin, there is nothing to judge', () => {
    const none = stitchTests([tested({ total_return_pct: null })]);
    expect(none).toMatchObject({ windows: 0, sharpe_ratio: null, is_evidence: false });
    expect(none.equity).toEqual({ time_ms: [], equity: [] });
    const ruin = tested({ total_return_pct: -1.2, daily_returns_count: 0 });
    const ruined = stitchTests([...choose(units).map(windowChoice), ruin]);
    expect(ruined).toMatchObject({
      sharpe_ratio: null,
      probabilistic_sharpe_ratio: null,
      is_evidence: false,
    });
    expect(ruined.verdict).toBe(
      'no evidence of skill out of sample in 6 windows: there are no returns to judge',
    );
    expect(ruined.total_return_pct).toBeLessThan(-1);
  });
});

function tested(test: Record<string, number | null>): WindowChoice {
  return { window: 5, unit_index: 0, parameters: {}, train: {}, test };
}

/** The same bars before index `from`, prices of another walk from there on. */
function withOtherPrices(original: Bars, from: number): Bars {
  const other = randomBars(seededRng(99), { length: original.length });
  const mix = (a: Float64Array, b: Float64Array) =>
    a.map((value, i) => (i < from ? value : (b[i] as number)));
  return createBars(original.symbol, original.timeframe, {
    time: original.time,
    open: mix(original.open, other.open),
    high: mix(original.high, other.high),
    low: mix(original.low, other.low),
    close: mix(original.close, other.close),
    volume: original.volume,
  });
}
