import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { rollingRatio } from './rolling-ratio';
import { sma } from './sma';

/**
 * Σ w(close − open) / Σ w(high − low) over `period` bars, each first averaged over 4 bars with the
 * weights 1 2 2 1; 0 where there was no range. The signal is the index averaged with such symmetric
 * weights over `signal_period` bars: 4 is Ehlers' choice.
 */
export const rviIndicator = defineIndicator({
  name: 'rvi',
  description: 'Relative vigor index',
  category: 'momentum',
  reference: 'J. F. Ehlers, "Relative Vigor Index", Stocks & Commodities 20:1 (2002)',
  inputs: ['open', 'high', 'low', 'close'],
  parameters: z.strictObject({
    period: barCount(10, 'bars in the sums'),
    signal_period: barCount(4, 'bars in the average that makes the signal'),
  }),
  outputs: ['rvi', 'signal'],
  warmupBars: ({ period, signal_period }) => period + signal_period + 1,
  compute({ open, high, low, close }, { period, signal_period }) {
    const body = weightedDifference(close, open);
    const range = weightedDifference(high, low);
    const rvi = rollingRatio(body, range, { period, undefinedAs: 0 });
    // The weights lack bars at the very beginning, where the differences are 0 and not NaN.
    rvi.fill(NaN, 0, period + 2);
    // Weights 1 2 … 2 1 are an average of an average; neither column is needed any more.
    const half = Math.ceil(signal_period / 2);
    return { rvi, signal: sma(sma(rvi, half, body), signal_period + 1 - half, range) };
  },
});

/** a − b, weighted 1 2 2 1 over four bars; the first three bars are 0. */
function weightedDifference(a: Float64Array, b: Float64Array): Float64Array {
  const { length } = a;
  const result = new Float64Array(length);
  let third = length > 0 ? (a[0] as number) - (b[0] as number) : 0;
  let second = length > 1 ? (a[1] as number) - (b[1] as number) : 0;
  let first = length > 2 ? (a[2] as number) - (b[2] as number) : 0;
  for (let i = 3; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    result[i] = third + 2 * (second + first) + difference;
    third = second;
    second = first;
    first = difference;
  }
  return result;
}
