import { z } from 'zod';
import { defineIndicator } from './indicator';

/**
 * The last confirmed swing. A zigzag as it is drawn moves its last leg until the price turns: here a
 * swing exists from the bar on at which the price has gone back by `threshold` from its extreme, and
 * nothing changes afterwards. `direction` is 1 while prices rise from a confirmed low and −1 while they
 * fall from a confirmed high; `bars_since` counts the bars since that extreme. NaN before the first swing.
 */
export const zigzagIndicator = defineIndicator({
  name: 'zigzag',
  description: 'Price of the last confirmed swing, direction since, and bars since; never repainted',
  category: 'trend',
  reference: 'A. Merrill, "Filtered Waves" (1977), each swing from its confirmation on',
  inputs: ['source'],
  parameters: z.strictObject({
    threshold: z
      .number()
      .min(0.0001)
      .max(0.99)
      .default(0.05)
      .describe('move back from an extreme that confirms it, as a fraction of it'),
  }),
  outputs: ['pivot', 'direction', 'bars_since'],
  warmupBars: () => 1,
  compute({ source }, { threshold }) {
    const { length } = source;
    const pivot = new Float64Array(length);
    const direction = new Float64Array(length);
    const bars_since = new Float64Array(length);
    let lowAt = 0;
    let highAt = 0;
    let pivotAt = -1;
    let leg = 0;
    for (let i = 0; i < length; i++) {
      const price = source[i] as number;
      if (price < (source[lowAt] as number)) lowAt = i;
      if (price > (source[highAt] as number)) highAt = i;
      const low = source[lowAt] as number;
      const high = source[highAt] as number;
      if (leg <= 0 && price > low && price - low >= threshold * Math.abs(low)) {
        leg = 1;
        pivotAt = lowAt;
        highAt = i;
      } else if (leg >= 0 && price < high && high - price >= threshold * Math.abs(high)) {
        leg = -1;
        pivotAt = highAt;
        lowAt = i;
      }
      pivot[i] = pivotAt < 0 ? NaN : (source[pivotAt] as number);
      direction[i] = pivotAt < 0 ? NaN : leg;
      bars_since[i] = pivotAt < 0 ? NaN : i - pivotAt;
    }
    return { pivot, direction, bars_since };
  },
});
