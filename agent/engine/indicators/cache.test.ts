import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { randomBars } from '#test/support/random-bars';
import { createIndicatorCache } from './cache';
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
