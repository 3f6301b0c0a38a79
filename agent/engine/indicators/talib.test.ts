import { beforeAll, describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { loadTalib } from '#test/support/talib';
import type { Talib, TalibFunction } from '#test/support/talib';
import { INDICATORS, INDICATOR_NAMES } from './registry';

let talib: Talib;

beforeAll(async () => {
  talib = await loadTalib();
});

/** Largest difference, relative above 1; Infinity when NaN stands in one column only. */
function difference(ours: Float64Array, theirs: Float64Array): number {
  let largest = Math.abs(ours.length - theirs.length);
  for (const [i, value] of ours.entries()) {
    const other = theirs[i] as number;
    if (Number.isNaN(value) && Number.isNaN(other)) continue;
    const relative = Math.abs(value - other) / Math.max(1, Math.abs(other));
    largest = Math.max(largest, Number.isNaN(relative) ? Infinity : relative);
  }
  return largest;
}

function randomSeries(seed: number, length: number): Float64Array {
  const rng = seededRng(seed);
  let price = 10 ** (rng.next() * 6 - 2);
  return Float64Array.from({ length }, () => (price *= 1 + 0.04 * (rng.next() - 0.5)));
}

const upper = (name: string): TalibFunction => name.toUpperCase() as TalibFunction;

describe.each(INDICATOR_NAMES.map((name) => [name] as const))('%s equals TA-Lib', (name) => {
  const indicator = INDICATORS[name];

  test.each([2, 3, 5, 14, 20, 50, 199, 1000])('on random series, period %p', (period) => {
    for (let seed = 1; seed <= 5; seed++) {
      const source = randomSeries(seed, 3000);
      expect(difference(indicator(source, period), talib.run(upper(name), source, period))).toBeLessThan(
        1e-9,
      );
    }
  });

  test('on series of every length around the period', () => {
    for (let length = 1; length <= 12; length++) {
      const source = randomSeries(length, length);
      expect(difference(indicator(source, 5), talib.run(upper(name), source, 5))).toBeLessThan(1e-9);
    }
  });

  test('where nothing moves, first, last and always', () => {
    const flat = new Float64Array(400).fill(7);
    const moving = randomSeries(9, 200);
    const rest = new Float64Array(400).fill(moving.at(-1) as number);
    for (const source of [flat, Float64Array.of(...flat, ...moving), Float64Array.of(...moving, ...rest)]) {
      expect(difference(indicator(source, 3), talib.run(upper(name), source, 3))).toBeLessThan(1e-9);
    }
  });

  test('and writes into a given column, warm-up included', () => {
    const source = randomSeries(4, 50);
    const out = new Float64Array(50).fill(99);
    expect(indicator(source, 5, out)).toBe(out);
    expect(difference(out, indicator(source, 5))).toBe(0);
  });
});

describe('over a million bars', () => {
  const source = randomSeries(3, 1_000_000).map((price, i) => 1000 + (i % 977) + (price % 1));

  test.each(['ema', 'rsi', 'sma'] as const)('%s is still equal to TA-Lib', (name) => {
    for (const period of [20, 500]) {
      const theirs = talib.run(upper(name), source, period);
      expect(difference(INDICATORS[name](source, period), theirs)).toBeLessThan(1e-9);
    }
  });

  test.each(['sma', 'wma'] as const)('%s has not drifted from its definition', (name) => {
    for (const period of [20, 500]) {
      const ours = INDICATORS[name](source, period);
      for (let i = period - 1; i < source.length; i += 9973) {
        const expected = averageByDefinition(name, source.subarray(i + 1 - period, i + 1));
        expect(Math.abs((ours[i] as number) - expected) / expected).toBeLessThan(1e-12);
      }
    }
  });

  test('wma is nearer to its definition than TA-Lib, whose running sums do drift', () => {
    const last = averageByDefinition('wma', source.subarray(-500));
    const ours = Math.abs((INDICATORS.wma(source, 500).at(-1) as number) - last);
    const theirs = Math.abs((talib.run('WMA', source, 500).at(-1) as number) - last);
    expect(ours).toBeLessThan(1e-9);
    expect(theirs).toBeGreaterThan(ours);
  });
});

function averageByDefinition(name: 'sma' | 'wma', window: Float64Array): number {
  let sum = 0;
  let weights = 0;
  for (const [i, value] of window.entries()) {
    const weight = name === 'sma' ? 1 : i + 1;
    sum += value * weight;
    weights += weight;
  }
  return sum / weights;
}
