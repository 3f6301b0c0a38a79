import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { Fault } from '#agent/kit/error';
import { ema } from './ema';
import { INDICATORS, INDICATOR_NAMES, indicatorNamed } from './registry';
import { rsi } from './rsi';
import { sma } from './sma';
import { wma } from './wma';

const NONE = NaN;
const BLOCKS = { ema, rsi, sma, wma };

test('the registry is in alphabetical order and holds all of KTRDR’s', () => {
  expect(INDICATOR_NAMES).toEqual(INDICATOR_NAMES.toSorted());
  expect(INDICATOR_NAMES.join(' ')).toBe(
    'ad adx aroon atr bollingerbands bollingerbandwidth cci cmf distancefromma donchian ema fisher ichimoku ' +
      'keltner macd mfi momentum obv parabolicsar roc rsi rvi sma squeezeintensity stochastic supertrend ' +
      'volumeratio vwap williamsr wma zigzag',
  );
});

test.each([
  ['macd', ['line', 'signal', 'histogram']],
  ['stochastic', ['k', 'd']],
  ['aroon', ['up', 'down', 'oscillator']],
  ['bollingerbands', ['upper', 'middle', 'lower']],
  ['supertrend', ['trend', 'direction']],
  ['adx', ['adx', 'plus_di', 'minus_di']],
  ['ichimoku', ['tenkan', 'kijun', 'senkou_a', 'senkou_b', 'chikou']],
])('%s has the outputs that KTRDR names', (name, outputs) => {
  expect([...indicatorNamed(name).outputs]).toEqual(outputs);
});

test('indicatorNamed() does not mind the case, and suggests the nearest name', () => {
  expect(indicatorNamed('BollingerBands')).toBe(indicatorNamed('bollingerbands'));
  let fault: unknown;
  try {
    indicatorNamed('bollingerband');
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(Fault);
  expect((fault as Fault).code).toBe('invalid');
  expect((fault as Fault).hint).toStartWith("did you mean 'bollingerbands'? known indicators: ad, adx,");
});

test('every indicator says what it is and where its definition stands', () => {
  for (const { description, reference, outputs } of INDICATORS) {
    expect(description).not.toBe('');
    expect(reference.length).toBeGreaterThan(8);
    expect(new Set(outputs).size).toBe(outputs.length);
  }
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
  expect([...BLOCKS[name](Float64Array.from(source), period)]).toEqual([...expected]);
});

describe.each(Object.entries(BLOCKS))('%s', (_, block) => {
  test('of too short a series is NaN throughout, and of none is empty', () => {
    expect([...block(Float64Array.of(1, 2, 3), 4)]).toEqual([NONE, NONE, NONE]);
    expect(block(new Float64Array(0), 3)).toHaveLength(0);
  });

  test.each([0, -1, 1.5, NaN, Infinity])('refuses a period of %p', (period) => {
    expect(() => block(Float64Array.of(1, 2), period)).toThrow('period must be an integer');
  });

  test('starts after the warm-up of the series under it', () => {
    const source = Float64Array.of(5, 6, 4, 7, 5, 8);
    const delayed = Float64Array.of(NONE, NONE, ...source);
    expect([...block(delayed, 3).subarray(2)]).toEqual([...block(source, 3)]);
    expect([...block(new Float64Array(4).fill(NONE), 2)]).toEqual([NONE, NONE, NONE, NONE]);
  });

  test('writes into a given column, warm-up included', () => {
    const source = Float64Array.of(5, 6, 4, 7, 5, 8);
    const out = new Float64Array(6).fill(99);
    expect(block(source, 3, out)).toBe(out);
    expect([...out]).toEqual([...block(source, 3)]);
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
