import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { typicalPrice } from './typical-price';
import { blockLength } from './window';

/**
 * 100 · money that flowed in while the typical price rose / all money that flowed over `period` bars;
 * 0 where less than 1 flowed, as TA-Lib has it.
 */
export const mfiIndicator = defineIndicator({
  name: 'mfi',
  description: 'Money flow index, 0 to 100',
  category: 'volume',
  reference: 'TA-Lib MFI',
  inputs: ['high', 'low', 'close', 'volume'],
  parameters: z.strictObject({ period: barCount(14, 'bars in the sums', 2) }),
  outputs: ['mfi'],
  warmupBars: ({ period }) => period,
  compute(columns, { period }) {
    const flow = signedFlow(typicalPrice(columns), columns.volume);
    const { length } = flow;
    const mfi = new Float64Array(length).fill(NaN, 0, period);
    const block = blockLength(period);
    for (let start = period; start < length; start += block) {
      const end = Math.min(length, start + block);
      let inflow = 0;
      let total = 0;
      for (let i = start - period + 1; i < start; i++) {
        const value = flow[i] as number;
        if (value > 0) inflow += value;
        total += Math.abs(value);
      }
      for (let i = start; i < end; i++) {
        const value = flow[i] as number;
        if (value > 0) inflow += value;
        total += Math.abs(value);
        mfi[i] = total < 1 ? 0 : 100 * (inflow / total);
        const oldest = flow[i - period + 1] as number;
        if (oldest > 0) inflow -= oldest;
        total -= Math.abs(oldest);
      }
    }
    return { mfi };
  },
});

/** Money that flowed with each bar, positive in a rise, negative in a fall, 0 where the price stood. */
function signedFlow(price: Float64Array, volume: Float64Array): Float64Array {
  const flow = new Float64Array(price.length);
  for (let i = 1; i < flow.length; i++) {
    const value = price[i] as number;
    const change = value - (price[i - 1] as number);
    const money = value * (volume[i] as number);
    flow[i] = change > 0 ? money : change < 0 ? -money : 0;
  }
  return flow;
}
