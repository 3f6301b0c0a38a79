import { z } from 'zod';
import { barCount, defineIndicator, multiple } from './indicator';
import { sma } from './sma';
import { rollingDeviation } from './deviation';

/** Simple average ± `multiplier` population standard deviations. */
export const bollingerbandsIndicator = defineIndicator({
  name: 'bollingerbands',
  description: 'Bollinger bands',
  category: 'volatility',
  reference: 'TA-Lib BBANDS with simple averages',
  inputs: ['source'],
  parameters: z.strictObject({
    period: barCount(20, 'bars in the average and the deviation', 2),
    multiplier: multiple(2, 'standard deviations to either side'),
  }),
  outputs: ['upper', 'middle', 'lower'],
  warmupBars: ({ period }) => period - 1,
  compute({ source }, { period, multiplier }) {
    const middle = sma(source, period);
    const upper = rollingDeviation(source, period);
    const lower = new Float64Array(source.length);
    for (let i = 0; i < lower.length; i++) {
      const distance = multiplier * (upper[i] as number);
      lower[i] = (middle[i] as number) - distance;
      upper[i] = (middle[i] as number) + distance;
    }
    return { upper, middle, lower };
  },
});
