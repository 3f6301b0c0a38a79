import { expect, test } from 'bun:test';
import { createSeenRing } from './seen-ring';

const ring = () => createSeenRing<string>(4, (a, b) => a === b);

test('each item of a time is new once', () => {
  const seen = ring();
  expect([seen.add(1, 'a', 2), seen.add(1, 'b', 2), seen.add(1, 'a', 2)]).toEqual([true, true, false]);
  expect(seen.entries()).toEqual([{ time: 1, items: ['a', 'b'] }]);
});

test('what is older than the ring counts as heard, also when its place is free', () => {
  const seen = ring();
  expect(seen.add(10, 'a', 11)).toBe(true);
  expect(seen.add(6, 'a', 11)).toBe(false);
  expect(seen.add(7, 'a', 11)).toBe(true);
  expect(seen.add(14, 'b', 15)).toBe(true);
  expect(seen.add(10, 'late', 12)).toBe(false);
});

test('a newcomer ignores what was before it', () => {
  const seen = ring();
  seen.ignoreBefore(5);
  expect([seen.add(4, 'a', 6), seen.add(5, 'a', 6)]).toEqual([false, true]);
});

test('a flood of one time ends', () => {
  const seen = ring();
  let taken = 0;
  for (let i = 0; i < 5_000; i++) if (seen.add(1, `${i}`, 2)) taken++;
  expect(taken).toBe(1_024);
});
