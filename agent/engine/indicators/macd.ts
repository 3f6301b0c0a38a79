import { z } from 'zod';
import { ema } from './ema';
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
  compute({ source }, { fast_period, slow_period, signal_period }) {
    const { length } = source;
    const line = ema(source, slow_period);
    const lag = slow_period - fast_period;
    // The first bars are NaN in the slow average and stay so in the difference.
    const fast = ema(source.subarray(Math.min(length, lag)), fast_period);
    for (let i = slow_period - 1; i < length; i++) line[i] = (fast[i - lag] as number) - (line[i] as number);
    const signal = ema(line, signal_period);
    line.fill(NaN, 0, slow_period + signal_period - 2);
    const histogram = new Float64Array(length);
    for (let i = 0; i < length; i++) histogram[i] = (line[i] as number) - (signal[i] as number);
    return { line, signal, histogram };
  },
});
