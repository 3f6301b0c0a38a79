import { expect, test } from 'bun:test';
import {
  deflatedSharpe,
  expectedMaximumSharpe,
  minimumTrackRecordLength,
  probabilisticSharpe,
} from './sharpe';

/** Deflated Sharpe Ratio (2014), "A numerical example": 2.5 a year, five years of 250 days, V = ½ a year. */
const strategist = { sharpe: 2.5 / Math.sqrt(250), returnsCount: 1250, skewness: -3, kurtosis: 10 };
const sharpeVariance = 1 / 2 / 250;

test('expectedMaximumSharpe() and deflatedSharpe() give the example of Bailey and López de Prado (2014)', () => {
  const trials = { count: 100, sharpeVariance };
  expect(expectedMaximumSharpe(trials).toFixed(4)).toBe('0.1132');
  expect(deflatedSharpe(strategist, trials)?.toFixed(4)).toBe('0.9004');
  // All digits, computed from the same formulas with 30 digits (mpmath).
  expect(expectedMaximumSharpe(trials)).toBeCloseTo(0.113172001865132, 14);
  expect(deflatedSharpe(strategist, trials)).toBeCloseTo(0.900396834449391, 13);
});

test('with 46 trials, or with 88 and normal returns, the same example is significant', () => {
  expect(deflatedSharpe(strategist, { count: 46, sharpeVariance })?.toFixed(4)).toBe('0.9505');
  const normal = { ...strategist, skewness: 0, kurtosis: 3 };
  expect(deflatedSharpe(normal, { count: 88, sharpeVariance })?.toFixed(4)).toBe('0.9505');
});

test('probabilisticSharpe() gives the example of Bailey and López de Prado (2012)', () => {
  // Two years of months: mean 0.036, deviation 0.079.
  const fund = { sharpe: 0.036 / 0.079, returnsCount: 24 };
  expect(probabilisticSharpe({ ...fund, skewness: 0, kurtosis: 3 })).toBeCloseTo(0.981, 3);
  expect(probabilisticSharpe({ ...fund, skewness: -2.448, kurtosis: 10.164 })?.toFixed(3)).toBe('0.913');
});

test.each([
  { periods: 'days', perYear: 250, skewness: 0, kurtosis: 3, years: '2.73' },
  { periods: 'weeks', perYear: 52, skewness: 0, kurtosis: 3, years: '2.83' },
  { periods: 'months', perYear: 12, skewness: 0, kurtosis: 3, years: '3.24' },
  { periods: 'months of a hedge fund', perYear: 12, skewness: -0.72, kurtosis: 5.78, years: '4.99' },
])(
  'minimumTrackRecordLength() of $periods gives the $years years of the 2012 paper',
  ({ perYear, years, ...shape }) => {
    const record = { sharpe: 2 / Math.sqrt(perYear), returnsCount: 0, ...shape };
    const length = minimumTrackRecordLength(record, { benchmark: 1 / Math.sqrt(perYear) });
    expect(((length ?? NaN) / perYear).toFixed(2)).toBe(years);
  },
);

test('a track record of exactly the minimum length is believed at just that confidence', () => {
  const length = minimumTrackRecordLength(strategist);
  expect(probabilisticSharpe({ ...strategist, returnsCount: length ?? 0 })).toBeCloseTo(0.95, 12);
  expect(minimumTrackRecordLength({ ...strategist, sharpe: 0 })).toBeNull();
  expect(minimumTrackRecordLength(strategist, { benchmark: 1 })).toBeNull();
});

test('more trials, or trials that differ more, leave less; one trial leaves all', () => {
  const of = (count: number, variance = sharpeVariance) =>
    deflatedSharpe(strategist, { count, sharpeVariance: variance }) ?? NaN;
  expect(of(1)).toBe(probabilisticSharpe(strategist) ?? NaN);
  expect(of(10)).toBeLessThan(of(1));
  expect(of(1_000_000)).toBeLessThan(of(1000));
  expect(of(100, 4 * sharpeVariance)).toBeLessThan(of(100));
  expect(expectedMaximumSharpe({ count: 1_000_000, sharpeVariance: 1 })).toBeCloseTo(4.86786, 5);
});

test('without two returns there is no probability', () => {
  expect(probabilisticSharpe({ ...strategist, returnsCount: 1 })).toBeNull();
  // Returns of two values and the Sharpe ratio at which the estimate has no variance.
  expect(probabilisticSharpe({ sharpe: 1, returnsCount: 9, skewness: 2, kurtosis: 5 })).toBeNull();
});
