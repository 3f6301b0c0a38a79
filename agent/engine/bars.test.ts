import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { randomBars } from '#test/support/random-bars';
import { createBars, indexAtOrAfter, slice } from './bars';

const bars = randomBars(seededRng(1), { length: 10 });
const timeAt = (index: number): bigint => bars.time[index] ?? 0n;

test('slice() takes the bars from one time to before another, on the same memory', () => {
  const part = slice(bars, timeAt(3), timeAt(7));
  expect(part).toMatchObject({ symbol: 'RANDOM', timeframe: '1d', length: 4 });
  expect([...part.close]).toEqual([...bars.close.subarray(3, 7)]);
  expect(part.close.buffer).toBe(bars.close.buffer);
  expect(part.time.buffer).toBe(bars.time.buffer);
});

test('slice() is empty before, after and between bars, and for a range turned round', () => {
  const last = timeAt(9);
  for (const [from, to] of [
    [0n, timeAt(0)],
    [last + 1n, last + 100n],
    [timeAt(3) + 1n, timeAt(4)],
    [timeAt(7), timeAt(3)],
  ] as const) {
    expect(slice(bars, from, to)).toHaveLength(0);
  }
});

test('indexAtOrAfter() finds a bar by its open time', () => {
  expect(indexAtOrAfter(bars, timeAt(4))).toBe(4);
  expect(indexAtOrAfter(bars, timeAt(4) + 1n)).toBe(5);
  expect(indexAtOrAfter(bars, 0n)).toBe(0);
  expect(indexAtOrAfter(bars, timeAt(9) + 1n)).toBe(10);
});

test('createBars() refuses columns of unequal length', () => {
  const close = bars.close.subarray(1);
  expect(() => createBars('X', '1d', { ...bars, close })).toThrow('unequal length');
});
