import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import {
  combineMoments,
  kurtosis,
  momentsAround,
  momentsOf,
  NO_MOMENTS,
  skewness,
  standardDeviation,
  type Moments,
} from './moments';

function momentsIn(values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return momentsAround(mean, Float64Array.from(values));
}

const FIVE = momentsIn([1, 2, 3, 4, 8]);

test('deviation, skewness and kurtosis are those of the definitions', () => {
  expect(FIVE.mean).toBeCloseTo(3.6, 12);
  expect(standardDeviation(FIVE)).toBeCloseTo(Math.sqrt(29.2 / 4), 12);
  const m = (order: number): number => [1, 2, 3, 4, 8].reduce((sum, x) => sum + (x - 3.6) ** order, 0) / 5;
  expect(skewness(FIVE)).toBeCloseTo(m(3) / m(2) ** 1.5, 12);
  expect(kurtosis(FIVE)).toBeCloseTo(m(4) / m(2) ** 2, 12);
  expect(skewness(momentsIn([-1, 0, 1]))).toBe(0);
  expect(kurtosis(momentsIn([-1, 1]))).toBe(1);
});

test('what does not vary has no shape', () => {
  for (const moments of [NO_MOMENTS, momentsIn([2]), momentsIn([2, 2, 2])]) {
    expect(skewness(moments)).toBeNull();
    expect(kurtosis(moments)).toBeNull();
  }
  expect(standardDeviation(momentsIn([2]))).toBeNull();
  expect(standardDeviation(momentsIn([2, 2]))).toBe(0);
});

test('combineMoments() of parts is the whole, also after a detour through the figures', () => {
  const rng = seededRng(3);
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 5 + rng.below(200) }, () => rng.next() ** 3 - 0.2);
    const cut = 2 + rng.below(values.length - 3);
    const parts = [values.slice(0, cut), values.slice(cut)].map((part) => momentsIn(part));
    const again = parts.map((part) => {
      const deviation = standardDeviation(part);
      const [skew, kurt] = [skewness(part), kurtosis(part)];
      if (deviation === null || skew === null || kurt === null) return part;
      return momentsOf({ ...part, standardDeviation: deviation, skewness: skew, kurtosis: kurt });
    });
    const whole = momentsIn(values);
    const joined = again.reduce(combineMoments, NO_MOMENTS);
    for (const key of ['count', 'mean', 'squares', 'cubes', 'fourths'] as const) {
      expect(Math.abs(joined[key] - whole[key])).toBeLessThan(1e-10 * (1 + Math.abs(whole[key])));
    }
  }
});
