import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { blockLength, checkPeriod, firstValueIndex } from './window';

export const wmaIndicator = defineIndicator({
  name: 'wma',
  description: 'Moving average with weights that fall by equal steps',
  category: 'trend',
  reference: 'TA-Lib WMA',
  inputs: ['source'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the average') }),
  outputs: ['wma'],
  warmupBars: ({ period }) => period - 1,
  compute: ({ source, spare }, { period }) => ({ wma: wma(source, period, spare) }),
});

/** Average weighted 1 for the oldest to `period` for the newest value (TA-Lib WMA); NaN in warm-up. */
export function wma(source: Float64Array, period: number, out?: Float64Array): Float64Array {
  checkPeriod(period, 1);
  const { length } = source;
  const result = out ?? new Float64Array(length);
  const first = Math.min(length, firstValueIndex(source) + period - 1);
  result.fill(NaN, 0, first);
  const block = blockLength(period);
  const divisor = (period * (period + 1)) / 2;
  for (let start = first; start < length; start += block) {
    const end = Math.min(length, start + block);
    let plain = 0;
    let weighted = 0;
    for (let i = start - period + 1, weight = 1; i < start; i++, weight++) {
      plain += source[i] as number;
      weighted += (source[i] as number) * weight;
    }
    for (let i = start; i < end; i++) {
      const value = source[i] as number;
      plain += value;
      weighted += value * period;
      result[i] = weighted / divisor;
      // One step on, every value weighs one less, and the oldest leaves.
      weighted -= plain;
      plain -= source[i - period + 1] as number;
    }
  }
  return result;
}
