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
      let net = 0;
      let total = 0;
      for (let i = start - period + 1; i < start; i++) {
        net += flow[i] as number;
        total += Math.abs(flow[i] as number);
      }
      for (let i = start; i < end; i++) {
        const value = flow[i] as number;
        net += value;
        total += Math.abs(value);
        // Inflow is half of total + net, which needs no branch on a sign that nobody can foretell.
        mfi[i] = total < 1 ? 0 : 50 * (1 + net / total);
        const oldest = flow[i - period + 1] as number;
        net -= oldest;
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
    const sign = Number(change > 0) - Number(change < 0);
    flow[i] = sign * value * (volume[i] as number);
  }
  return flow;
}
