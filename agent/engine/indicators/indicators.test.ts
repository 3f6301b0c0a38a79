import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { ema } from './ema';
import { INDICATORS, INDICATOR_NAMES } from './registry';
import { rsi } from './rsi';
import { sma } from './sma';
import { wma } from './wma';

const NONE = NaN;

test('the registry is in alphabetical order and holds the four', () => {
  expect(INDICATOR_NAMES).toEqual(['ema', 'rsi', 'sma', 'wma']);
});

test.each([
  ['sma', 1, [1, 2, 4, 8], [1, 2, 4, 8]],
  ['sma', 2, [1, 2, 4, 8], [NONE, 1.5, 3, 6]],
  ['ema', 1, [1, 2, 4, 8], [1, 2, 4, 8]],
  ['ema', 3, [1, 2, 3, 8], [NONE, NONE, 2, 5]],
  ['wma', 1, [1, 2, 4, 8], [1, 2, 4, 8]],
  ['wma', 2, [1, 4, 7], [NONE, 3, 6]],
  ['rsi', 1, [1, 2, 1, 1, 3], [NONE, 100, 0, 0, 100]],
  ['rsi', 2, [1, 2, 1, 2], [NONE, NONE, 50, 75]],
] as const)('%s(%p) of %p', (name, period, source, expected) => {
  expect([...INDICATORS[name](Float64Array.from(source), period)]).toEqual([...expected]);
});

describe.each(INDICATOR_NAMES.map((name) => [name] as const))('%s', (name) => {
  const indicator = INDICATORS[name];

  test('of too short a series is NaN throughout, and of none is empty', () => {
    expect([...indicator(Float64Array.of(1, 2, 3), 4)]).toEqual([NONE, NONE, NONE]);
    expect(indicator(new Float64Array(0), 3)).toHaveLength(0);
  });

  test.each([0, -1, 1.5, NaN, Infinity])('refuses a period of %p', (period) => {
    expect(() => indicator(Float64Array.of(1, 2), period)).toThrow('period must be an integer');
  });

  test('starts after the warm-up of the series under it', () => {
    const source = Float64Array.of(5, 6, 4, 7, 5, 8);
    const delayed = Float64Array.of(NONE, NONE, ...source);
    expect([...indicator(delayed, 3).subarray(2)]).toEqual([...indicator(source, 3)]);
    expect([...indicator(new Float64Array(4).fill(NONE), 2)]).toEqual([NONE, NONE, NONE, NONE]);
  });

  test('does not change its past when the future is taken away', () => {
    const rng = seededRng(8);
    const source = Float64Array.from({ length: 3000 }, () => 50 + rng.next());
    const full = indicator(source, 30);
    for (const length of [1, 30, 31, 1023, 1053, 1054, 2999]) {
      expect([...indicator(source.subarray(0, length), 30)]).toEqual([...full.subarray(0, length)]);
    }
  });
});

test.each([
  ['sma', sma],
  ['wma', wma],
] as const)('%s forgets a freak price once its block is over', (_, average) => {
  const source = new Float64Array(5000).fill(1.1);
  source[100] = 1e18;
  expect(average(source, 20).at(-1)).toBeCloseTo(1.1, 12);
});

test('ema and rsi stay within the range of what they average', () => {
  const rng = seededRng(5);
  const source = Float64Array.from({ length: 2000 }, () => 10 + rng.next());
  for (const value of ema(source, 10).subarray(9)) expect(value >= 10 && value <= 11).toBeTrue();
  for (const value of rsi(source, 10).subarray(10)) expect(value >= 0 && value <= 100).toBeTrue();
});
