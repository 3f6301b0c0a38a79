import { z } from 'zod';
import { ema } from './ema';
import { barCount, defineIndicator } from './indicator';
import { sma } from './sma';
import { wma } from './wma';

const AVERAGES = { sma, ema, wma };

/** 100 · (price − average) / average; NaN where the average is 0. */
export const distancefrommaIndicator = defineIndicator({
  name: 'distancefromma',
  description: 'Distance of the price from a moving average in percent',
  category: 'support_resistance',
  reference: 'Disparity index, S. Nison, "Beyond Candlesticks" (1994), ch. 5; averages of TA-Lib',
  inputs: ['source'],
  parameters: z.strictObject({
    period: barCount(20, 'bars in the average'),
    ma_type: z.enum(['sma', 'ema', 'wma']).default('sma').describe('kind of the average'),
  }),
  outputs: ['distancefromma'],
  warmupBars: ({ period }) => period - 1,
  compute({ source }, { period, ma_type }) {
    const distance = AVERAGES[ma_type](source, period);
    for (let i = 0; i < distance.length; i++) {
      const average = distance[i] as number;
      distance[i] = average === 0 ? NaN : (100 * ((source[i] as number) - average)) / average;
    }
    return { distancefromma: distance };
  },
});
