import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { randomBars } from '#test/support/random-bars';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { createIndicatorCache } from './cache';
import { indicatorNamed } from './registry';
import { sma } from './sma';

const bars = randomBars(seededRng(1), { length: 100 });
const COLUMN_BYTES = 800;

test('indicator() computes a column once and hands out the same one', () => {
  const cache = createIndicatorCache();
  const first = cache.indicator(bars, 'sma', 20);
  expect([...first]).toEqual([...sma(bars.close, 20)]);
  expect(cache.indicator(bars, 'sma', 20, 'close')).toBe(first);
  expect(cache.bytes).toBe(COLUMN_BYTES);
});

test('indicator() keeps apart what differs in name, period, source or bars', () => {
  const cache = createIndicatorCache();
  const other = randomBars(seededRng(1), { length: 100 });
  const columns = [
    cache.indicator(bars, 'sma', 20),
    cache.indicator(bars, 'ema', 20),
    cache.indicator(bars, 'sma', 21),
    cache.indicator(bars, 'sma', 20, 'high'),
    cache.indicator(other, 'sma', 20),
  ];
  expect(new Set(columns).size).toBe(columns.length);
});

test('the least recently used column goes when the bytes are full, and no other', () => {
  const cache = createIndicatorCache({ bytesMax: 2 * COLUMN_BYTES });
  const kept = cache.indicator(bars, 'sma', 5);
  const dropped = cache.indicator(bars, 'sma', 6);
  cache.indicator(bars, 'sma', 5);
  cache.indicator(bars, 'sma', 7);
  expect(cache.bytes).toBe(2 * COLUMN_BYTES);
  expect(cache.indicator(bars, 'sma', 5)).toBe(kept);
  expect(cache.indicator(bars, 'sma', 6)).not.toBe(dropped);
});

test('a column larger than the cache is computed and not kept', () => {
  const cache = createIndicatorCache({ bytesMax: COLUMN_BYTES - 1 });
  expect(cache.indicator(bars, 'sma', 5)).toHaveLength(100);
  expect(cache.bytes).toBe(0);
});

test('outputs() keeps apart parameters and sources, and shares what is not the source', () => {
  const cache = createIndicatorCache();
  const bands = indicatorNamed('bollingerbands');
  const parameters = parseParameters(bands, {});
  const first = cache.outputs(bars, { indicator: bands, parameters });
  expect(Object.keys(first)).toEqual(['upper', 'middle', 'lower']);
  expect(cache.bytes).toBe(3 * COLUMN_BYTES);
  expect(cache.outputs(bars, { indicator: bands, parameters, source: 'close' })).toBe(first);
  const wider = parseParameters(bands, { multiplier: 3 });
  expect(cache.outputs(bars, { indicator: bands, parameters: wider })).not.toBe(first);
  expect(cache.outputs(bars, { indicator: bands, parameters, source: 'high' })).not.toBe(first);

  const atr = { indicator: indicatorNamed('atr'), parameters: { period: 14 } };
  expect(cache.outputs(bars, { ...atr, source: 'high' })).toBe(cache.outputs(bars, atr));
});

test('the source may be the output of another indicator, whose warm-up comes on top', () => {
  const cache = createIndicatorCache();
  const request = { indicator: indicatorNamed('sma'), parameters: { period: 5 } };
  const rsi = cache.indicator(bars, 'rsi', 14);
  const smoothed = cache.outputs(bars, { ...request, source: rsi })['sma'];
  expect(smoothed?.findIndex((value) => !Number.isNaN(value))).toBe(18);
  expect([...(smoothed ?? [])]).toEqual([...sma(rsi, 5)]);
});

test('indicator() fills in what is not the period, and refuses what cannot be', () => {
  const cache = createIndicatorCache();
  const parameters = parseParameters(indicatorNamed('bollingerbands'), { period: 10 });
  const bands = cache.outputs(bars, { indicator: indicatorNamed('bollingerbands'), parameters });
  expect(bands['upper']).toBe(cache.indicator(bars, 'bollingerbands', 10));
  expect(() => cache.indicator(bars, 'smaa', 10)).toThrow("Cannot find indicator 'smaa'");
  expect(() => cache.indicator(bars, 'macd', 10)).toThrow("there is no parameter 'period'");
});

test('columns that were let go of are written to again, but only in a later run', () => {
  const cache = createIndicatorCache({ bytesMax: 0 });
  const first = cache.indicator(bars, 'sma', 5);
  const second = cache.indicator(bars, 'sma', 6);
  expect(second).not.toBe(first);
  expect([...first]).toEqual([...sma(bars.close, 5)]);
  cache.beginRun();
  const again = [cache.indicator(bars, 'sma', 7), cache.indicator(bars, 'ema', 3)];
  expect(new Set(again)).toEqual(new Set([first, second]));
  expect([...(again[0] ?? [])]).toEqual([...sma(bars.close, 7)]);
  // What has not been let go of stays as it is.
  const keeping = createIndicatorCache();
  const kept = keeping.indicator(bars, 'sma', 5);
  keeping.beginRun();
  expect(keeping.indicator(bars, 'sma', 6)).not.toBe(kept);
  expect(keeping.indicator(bars, 'sma', 5)).toBe(kept);
});

test('a column written to again is a new source, and columns of bars are never written to', () => {
  const cache = createIndicatorCache({ bytesMax: 3 * COLUMN_BYTES });
  const indicator = indicatorNamed('sma');
  const smoothed = (period: number): number[] => {
    cache.beginRun();
    const source = cache.indicator(bars, 'sma', period);
    return [...(cache.outputs(bars, { indicator, parameters: { period: 2 }, source })['sma'] ?? [])];
  };
  const closes = [...bars.close];
  for (const period of [3, 4, 5, 3, 6, 4]) {
    const expected = sma(sma(bars.close, period), 2);
    expect(smoothed(period).map((value) => value.toFixed(9))).toEqual(
      [...expected].map((value) => value.toFixed(9)),
    );
  }
  expect([...bars.close]).toEqual(closes);
});
