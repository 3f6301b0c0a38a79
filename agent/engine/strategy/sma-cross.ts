import { z } from 'zod';
import { defineStrategy } from './strategy';

const period = z.int().min(1).max(10_000);

/** Long while the fast average is above the slow one; below it flat, or short when allowed. */
export const smaCross = defineStrategy({
  name: 'sma_cross',
  description: 'Long while a fast moving average of the close is above a slow one',
  parameters: z.strictObject({
    fast: period.default(20).describe('bars in the fast average'),
    slow: period.default(50).describe('bars in the slow average'),
    average: z.enum(['sma', 'ema', 'wma']).default('sma').describe('kind of both averages'),
    allow_short: z.boolean().default(false).describe('go short while the fast average is below'),
  }),
  grid: { fast: { from: 5, to: 60, step: 1 }, slow: { from: 20, to: 250, step: 5 } },
  constraint: { description: 'fast < slow', holds: ({ fast, slow }) => fast < slow },
  warmupBars: ({ slow }) => slow - 1,
  targets(bars, { fast, slow, average, allow_short }, cache) {
    const fastAverage = cache.indicator(bars, average, fast);
    const slowAverage = cache.indicator(bars, average, slow);
    const targets = new Int8Array(bars.length);
    // Comparisons with the NaN of the warm-up are false, which leaves 0.
    for (let i = slow - 1; i < targets.length; i++) {
      const ahead = fastAverage[i] as number;
      const behind = slowAverage[i] as number;
      if (ahead > behind) targets[i] = 1;
      else if (allow_short && ahead < behind) targets[i] = -1;
    }
    return targets;
  },
});
