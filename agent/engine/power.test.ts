import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { exponential, logarithm, power } from './power';

test('power() agrees with Math.pow to a few units in the last place', () => {
  const rng = seededRng(1);
  for (let i = 0; i < 20_000; i++) {
    const base = 10 ** (rng.next() * 8 - 4);
    const exponent = rng.next() * 40 - 20;
    const scale = Math.max(1, Math.abs(exponent * Math.log(base)));
    expect(Math.abs(power(base, exponent) / base ** exponent - 1)).toBeLessThan(2e-15 * scale);
  }
});

test.each([1e-308, 5e-324, 0.5, 1 - 1e-15, 1, 1 + 1e-15, 2, 1e308])('logarithm(%p)', (value) => {
  expect(Math.abs(logarithm(value) - Math.log(value))).toBeLessThanOrEqual(4e-16 * Math.abs(Math.log(value)));
});

test('power() at the edges: 1, overflow, underflow, no number', () => {
  expect(power(1, 1e300)).toBe(1);
  expect(power(7, 0)).toBe(1);
  expect(power(10, 400)).toBe(Infinity);
  expect(power(10, -400)).toBe(0);
  expect(power(-1, 2)).toBeNaN();
  expect(exponential(NaN)).toBeNaN();
  expect(logarithm(0)).toBe(-Infinity);
});

test('power() keeps its bits: a change here changes results of every host', () => {
  expect(power(1.2345, 252 / 5105)).toBe(1.0104534444627968);
});
