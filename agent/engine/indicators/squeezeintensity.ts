import { z } from 'zod';
import { atr } from './atr';
import { rollingDeviation } from './deviation';
import { ema } from './ema';
import { barCount, defineIndicator, multiple } from './indicator';
import { sma } from './sma';

/**
 * How far the Bollinger bands lie inside the Keltner channel: the smaller of the two gaps between them,
 * as a fraction of half the channel. 0 without a squeeze (a band outside, or no channel), 1 when the
 * bands meet in its middle.
 */
export const squeezeintensityIndicator = defineIndicator({
  name: 'squeezeintensity',
  description: 'How far the Bollinger bands lie inside the Keltner channel, 0 to 1',
  category: 'volatility',
  reference: 'The squeeze of J. F. Carter, "Mastering the Trade" (2005), ch. 11, graded',
  inputs: ['source', 'high', 'low', 'close'],
  parameters: z.strictObject({
    bb_period: barCount(20, 'bars of the Bollinger bands', 2),
    bb_multiplier: multiple(2, 'standard deviations of the Bollinger bands'),
    kc_period: barCount(20, 'bars in the average of the Keltner channel'),
    kc_multiplier: multiple(2, 'average true ranges of the Keltner channel'),
    atr_period: barCount(10, 'bars of the average true range'),
  }),
  outputs: ['squeezeintensity'],
  warmupBars: ({ bb_period, kc_period, atr_period }) => Math.max(bb_period - 1, kc_period - 1, atr_period),
  compute(columns, { bb_period, bb_multiplier, kc_period, kc_multiplier, atr_period }) {
    const deviation = rollingDeviation(columns.source, bb_period);
    const average = sma(columns.source, bb_period);
    const range = atr(columns, atr_period);
    const middle = ema(columns.close, kc_period);
    for (let i = 0; i < deviation.length; i++) {
      // Either gap is the difference of the half widths, less by how far apart the middles are.
      const half = kc_multiplier * (range[i] as number);
      const apart = Math.abs((average[i] as number) - (middle[i] as number));
      const gap = half - bb_multiplier * (deviation[i] as number) - apart;
      deviation[i] = gap <= 0 ? 0 : gap / half;
    }
    return { squeezeintensity: deviation };
  },
});
