import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { sma } from './sma';

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
    const volumeratio = sma(volume, period);
    let zeros = 0;
    for (let i = 0; i < volumeratio.length; i++) {
      const value = volume[i] as number;
      // Told exactly: rounding may leave something of an average that has come down to nothing.
      zeros = value === 0 ? zeros + 1 : 0;
      volumeratio[i] = zeros >= period ? NaN : value / (volumeratio[i] as number);
    }
    return { volumeratio };
  },
});
