import { z } from 'zod';
import { atr } from './atr';
import { ema } from './ema';
import { barCount, defineIndicator, multiple } from './indicator';

/** Exponential average of the close ± `multiplier` average true ranges. */
export const keltnerIndicator = defineIndicator({
  name: 'keltner',
  description: 'Keltner channels',
  category: 'volatility',
  reference:
    'C. W. Keltner, "How To Make Money in Commodities" (1960), in the form of L. B. Raschke; averages of TA-Lib EMA and ATR',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({
    period: barCount(20, 'bars in the average'),
    atr_period: barCount(10, 'bars of the average true range'),
    multiplier: multiple(2, 'average true ranges to either side'),
  }),
  outputs: ['upper', 'middle', 'lower'],
  warmupBars: ({ period, atr_period }) => Math.max(period - 1, atr_period),
  compute(columns, { period, atr_period, multiplier }) {
    const middle = ema(columns.close, period);
    const upper = atr(columns, atr_period);
    const lower = new Float64Array(middle.length);
    for (let i = 0; i < lower.length; i++) {
      const distance = multiplier * (upper[i] as number);
      lower[i] = (middle[i] as number) - distance;
      upper[i] = (middle[i] as number) + distance;
    }
    return { upper, middle, lower };
  },
});
