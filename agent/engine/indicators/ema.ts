import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { checkPeriod, firstValueIndex } from './window';

export const emaIndicator = defineIndicator({
  name: 'ema',
  description: 'Exponential moving average',
  category: 'trend',
  reference: 'TA-Lib EMA',
  inputs: ['source'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the average') }),
  outputs: ['ema'],
  warmupBars: ({ period }) => period - 1,
  compute: ({ source, spare }, { period }) => ({ ema: ema(source, period, spare) }),
});

/**
 * Exponential moving average with weight 2 / (period + 1), started from the simple average of the
 * first `period` values as TA-Lib does; NaN until there are as many.
 */
export function ema(source: Float64Array, period: number, out?: Float64Array): Float64Array {
  checkPeriod(period, 1);
  const { length } = source;
  const result = out ?? new Float64Array(length);
  const start = firstValueIndex(source);
  const first = start + period - 1;
  result.fill(NaN, 0, Math.min(length, first));
  if (first >= length) return result;

  let sum = 0;
  for (let i = start; i <= first; i++) sum += source[i] as number;
  let average = sum / period;
  result[first] = average;
  const weight = 2 / (period + 1);
  for (let i = first + 1; i < length; i++) {
    average += ((source[i] as number) - average) * weight;
    result[i] = average;
  }
  return result;
}
