import { z } from 'zod';
import { rollingExtremes } from './extremes';
import { barCount, defineIndicator } from './indicator';

/** −100 · (highest high − close) / (highest high − lowest low); 0 without a range. */
export const williamsrIndicator = defineIndicator({
  name: 'williamsr',
  description: 'Williams’ %R, −100 to 0',
  category: 'momentum',
  reference: 'TA-Lib WILLR',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({ period: barCount(14, 'bars in the range', 2) }),
  outputs: ['williamsr'],
  warmupBars: ({ period }) => period - 1,
  compute({ high, low, close }, { period }) {
    const { highest: williamsr, lowest } = rollingExtremes({ high, low }, period);
    for (let i = period - 1; i < williamsr.length; i++) {
      const top = williamsr[i] as number;
      const range = top - (lowest[i] as number);
      williamsr[i] = range === 0 ? 0 : (-100 * (top - (close[i] as number))) / range;
    }
    return { williamsr };
  },
});
