import { z } from 'zod';
import { rollingDeviation } from './deviation';
import { barCount, defineIndicator, multiple } from './indicator';
import { sma } from './sma';

/** (upper − lower) / middle of the Bollinger bands, as a fraction; NaN where the middle is 0. */
export const bollingerbandwidthIndicator = defineIndicator({
  name: 'bollingerbandwidth',
  description: 'Width of the Bollinger bands relative to their middle',
  category: 'volatility',
  reference: 'J. Bollinger, "Bollinger on Bollinger Bands" (2001), ch. 8; bands of TA-Lib BBANDS',
  inputs: ['source'],
  parameters: z.strictObject({
    period: barCount(20, 'bars in the average and the deviation', 2),
    multiplier: multiple(2, 'standard deviations to either side'),
  }),
  outputs: ['bollingerbandwidth'],
  warmupBars: ({ period }) => period - 1,
  compute({ source }, { period, multiplier }) {
    const middle = sma(source, period);
    const width = rollingDeviation(source, period);
    for (let i = 0; i < width.length; i++) {
      const average = middle[i] as number;
      width[i] = average === 0 ? NaN : (2 * multiplier * (width[i] as number)) / average;
    }
    return { bollingerbandwidth: width };
  },
});
