import { expect, test } from 'bun:test';
import { editDistance, nearest } from './nearest';

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['sma', 'sma', 0],
  ['sma', 'ema', 1],
  ['fsat', 'fast', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('editDistance(%p, %p) is %p', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test('nearest() suggests the closest candidate, whatever the case', () => {
  expect(nearest('sma_cros', ['rsi_reversion', 'sma_cross'])).toBe('sma_cross');
  expect(nearest('SLOW', ['fast', 'slow'])).toBe('slow');
  expect(nearest('fsat', ['slow', 'fast'])).toBe('fast');
});

test('nearest() suggests nothing for a word unlike all, an empty one, or one of absurd length', () => {
  expect(nearest('momentum', ['fast', 'slow'])).toBeUndefined();
  expect(nearest('', ['a'])).toBeUndefined();
  expect(nearest('x'.repeat(10_000), ['fast'])).toBeUndefined();
  expect(nearest('fast', [])).toBeUndefined();
});
