import { expect, test } from 'bun:test';
import { age, ageOf, duration } from './ages';

const now = 1_000_000_000_000;
const seconds = (value: number): number => value * 1000;

test.each([
  [0, 'now'],
  [seconds(0.9), 'now'],
  [seconds(1), '1 s ago'],
  [seconds(59.9), '59 s ago'],
  [seconds(60), '1 min ago'],
  [seconds(3599), '59 min ago'],
  [seconds(3600), '1 h ago'],
  [seconds(47 * 3600), '47 h ago'],
  [seconds(48 * 3600), '2 d ago'],
  [seconds(-12), 'in 12 s'],
])('%p ms before now is "%s"', (ms, text) => {
  expect(age(now - ms, now)).toBe(text);
});

test('a time that is none is not an age', () => {
  expect([ageOf(null, now), ageOf(undefined, now), ageOf('yesterday', now)]).toEqual(['–', '–', 'unknown']);
});

test.each([
  [40, '0.0 s'],
  [9_940, '9.9 s'],
  [12_400, '12 s'],
  [200_000, '3 min 20 s'],
  [180_000, '3 min'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('%p ms last "%s"', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
