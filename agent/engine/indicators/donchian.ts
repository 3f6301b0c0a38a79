import { z } from 'zod';
import { rollingExtremes } from './extremes';
import { barCount, defineIndicator } from './indicator';

/**
 * Highest high, lowest low and their mean over the last `period` bars, the present one included: a
 * breakout is a close beyond the channel of one bar ago.
 */
export const donchianIndicator = defineIndicator({
  name: 'donchian',
  description: 'Donchian channels',
  category: 'volatility',
  reference: 'R. Donchian, "High Finance in Copper", Financial Analysts Journal 16:6 (1960)',
  inputs: ['high', 'low'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the channel') }),
  outputs: ['upper', 'middle', 'lower'],
  warmupBars: ({ period }) => period - 1,
  compute({ high, low }, { period }) {
    const { highest, lowest } = rollingExtremes({ high, low }, period);
    const middle = new Float64Array(high.length);
    for (let i = 0; i < middle.length; i++) middle[i] = ((highest[i] as number) + (lowest[i] as number)) / 2;
    return { upper: highest, middle, lower: lowest };
  },
});
