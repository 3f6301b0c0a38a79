import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { blockLength, checkPeriod, firstValueIndex } from './window';

export const smaIndicator = defineIndicator({
  name: 'sma',
  description: 'Simple moving average',
  category: 'trend',
  reference: 'TA-Lib SMA',
  inputs: ['source'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the average') }),
  outputs: ['sma'],
  warmupBars: ({ period }) => period - 1,
  compute: ({ source, spare }, { period }) => ({ sma: sma(source, period, spare) }),
});

/** Simple moving average of the last `period` values (TA-Lib SMA); NaN until there are as many. */
export function sma(source: Float64Array, period: number, out?: Float64Array): Float64Array {
  checkPeriod(period, 1);
  const { length } = source;
  const result = out ?? new Float64Array(length);
  const first = Math.min(length, firstValueIndex(source) + period - 1);
  result.fill(NaN, 0, first);
  const block = blockLength(period);
  // A division at each bar would cost as much as all the rest; the last bit is not worth it.
  const weight = 1 / period;
  for (let start = first; start < length; start += block) {
    const end = Math.min(length, start + block);
    let sum = 0;
    for (let i = start - period + 1; i <= start; i++) sum += source[i] as number;
    result[start] = sum * weight;
    for (let i = start + 1; i < end; i++) {
      sum += (source[i] as number) - (source[i - period] as number);
      result[i] = sum * weight;
    }
  }
  return result;
}
