import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';

/**
 * Fast − slow exponential average, the average of that as signal, and their difference. As in TA-Lib
 * both averages have their first value on the same bar, and all outputs begin with the signal.
 */
export const macdIndicator = defineIndicator({
  name: 'macd',
  description: 'Moving average convergence divergence',
  category: 'momentum',
  reference: 'TA-Lib MACD',
  inputs: ['source'],
  parameters: z.strictObject({
    fast_period: barCount(12, 'bars in the fast average', 2),
    slow_period: barCount(26, 'bars in the slow average', 2),
    signal_period: barCount(9, 'bars in the average of the line'),
  }),
  constraint: {
    description: 'fast_period < slow_period',
    holds: ({ fast_period, slow_period }) => fast_period < slow_period,
  },
  outputs: ['line', 'signal', 'histogram'],
  warmupBars: ({ slow_period, signal_period }) => slow_period + signal_period - 2,
  compute: ({ source }, parameters) => macd(source, parameters),
});

interface Periods {
  fast_period: number;
  slow_period: number;
  signal_period: number;
}

/** All three averages in one pass: each alone would mostly wait for its own last value. */
function macd(source: Float64Array, { fast_period, slow_period, signal_period }: Periods) {
  const { length } = source;
  const first = slow_period + signal_period - 2;
  const line = new Float64Array(length).fill(NaN, 0, first);
  const signal = new Float64Array(length).fill(NaN, 0, first);
  const histogram = new Float64Array(length).fill(NaN, 0, first);
  if (length <= first) return { line, signal, histogram };

  let slow = mean(source, 0, slow_period);
  let fast = mean(source, slow_period - fast_period, slow_period);
  const slowWeight = 2 / (slow_period + 1);
  const fastWeight = 2 / (fast_period + 1);
  const signalWeight = 2 / (signal_period + 1);
  let average = fast - slow;
  for (let i = slow_period; i <= first; i++) {
    slow += ((source[i] as number) - slow) * slowWeight;
    fast += ((source[i] as number) - fast) * fastWeight;
    average += fast - slow;
  }
  average /= signal_period;
  line[first] = fast - slow;
  signal[first] = average;
  histogram[first] = fast - slow - average;
  for (let i = first + 1; i < length; i++) {
    const value = source[i] as number;
    slow += (value - slow) * slowWeight;
    fast += (value - fast) * fastWeight;
    const difference = fast - slow;
    average += (difference - average) * signalWeight;
    line[i] = difference;
    signal[i] = average;
    histogram[i] = difference - average;
  }
  return { line, signal, histogram };
}

function mean(source: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += source[i] as number;
  return sum / (to - from);
}
