import { describe, expect, test } from 'bun:test';
import { normalCdf, normalQuantile } from './normal';

/** Of values computed with 40 digits (mpmath's ncdf, and Newton's method on it). */
const CDF: ReadonlyArray<readonly [x: number, probability: number]> = [
  [0, 0.5],
  [0.1, 0.539827837277029],
  [-0.3, 0.3820885778110474],
  [-0.5, 0.3085375387259869],
  [1, 0.8413447460685429],
  [-1.5, 0.06680720126885807],
  [-1.96, 0.024997895148220435],
  [-2.5, 0.006209665325776135],
  [3, 0.9986501019683699],
  [-4, 3.1671241833119924e-5],
  [-5.7, 5.990371401063528e-9],
  [-7.07, 7.746684865636478e-13],
  [-10, 7.619853024160525e-24],
  [-20, 2.7536241186062337e-89],
  [-37, 5.725571222524577e-300],
  [8, 0.9999999999999993],
];

describe('normalCdf()', () => {
  test.each(CDF.map(([x, probability]) => ({ x, probability })))('of $x is $probability', (row) => {
    expect(Math.abs(normalCdf(row.x) / row.probability - 1)).toBeLessThan(1e-14);
  });

  test('has two sides of one curve, also where its formulas meet', () => {
    for (let x = 0; x <= 9; x += 1 / 64) {
      expect(Math.abs(normalCdf(x) + normalCdf(-x) - 1)).toBeLessThan(3e-16);
    }
    expect(normalCdf(1.9999999999999998) / normalCdf(2)).toBeCloseTo(1, 15);
  });

  test('has ends, and no value of no number', () => {
    expect([normalCdf(-Infinity), normalCdf(Infinity), normalCdf(-50), normalCdf(50)]).toEqual([0, 1, 0, 1]);
    expect(normalCdf(NaN)).toBeNaN();
  });
});

describe('normalQuantile()', () => {
  // Abramowitz and Stegun, tables 26.5 and 26.6, to the digits printed there.
  test.each([
    [0.75, 0.67449],
    [0.9, 1.28155],
    [0.95, 1.64485],
    [0.975, 1.95996],
    [0.99, 2.32635],
    [0.999, 3.09023],
    [0.9999, 3.71902],
  ])('of %d is %d', (probability, x) => expect(normalQuantile(probability)).toBeCloseTo(x, 5));

  test('inverts the distribution function in the middle and in both tails', () => {
    const probabilities = [1e-300, 1e-100, 1e-20, 1e-8, 0.001, 0.01, 0.075, 0.2, 0.4999, 0.6, 0.925, 0.99];
    for (const probability of probabilities) {
      const error = Math.abs(normalCdf(normalQuantile(probability)) / probability - 1);
      // Far out one bit of x is x² bits of the probability.
      const x = normalQuantile(probability);
      expect(error).toBeLessThan(1e-14 + x * x * 4e-16);
    }
    expect(normalQuantile(0.5)).toBe(0);
  });

  test('has ends, and no value outside 0 to 1', () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    for (const wrong of [-0.1, 1.1, NaN]) expect(normalQuantile(wrong)).toBeNaN();
  });
});
