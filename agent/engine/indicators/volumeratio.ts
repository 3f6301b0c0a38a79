import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { rollingSum } from './rolling-sum';

/** Volume / its simple average over the last `period` bars, this one included; NaN where nothing was traded. */
export const volumeratioIndicator = defineIndicator({
  name: 'volumeratio',
  description: 'Volume relative to its average',
  category: 'volume',
  reference:
    'Relative volume, as in J. J. Murphy, "Technical Analysis of the Financial Markets" (1999), ch. 7',
  inputs: ['volume'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the average') }),
  outputs: ['volumeratio'],
  warmupBars: ({ period }) => period - 1,
  compute({ volume }, { period }) {
    const volumeratio = rollingSum(volume, period);
    for (let i = 0; i < volumeratio.length; i++) {
      const sum = volumeratio[i] as number;
      volumeratio[i] = sum === 0 ? NaN : ((volume[i] as number) * period) / sum;
    }
    return { volumeratio };
  },
});
