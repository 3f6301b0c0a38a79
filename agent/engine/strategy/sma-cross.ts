import { z } from 'zod';
import { oppositeOf, plainSignals } from '#agent/engine/backtest/signals';
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
  signals(bars, { fast, slow, average, allow_short }, cache) {
    const fastAverage = cache.indicator(bars, average, fast);
    const slowAverage = cache.indicator(bars, average, slow);
    const enterLong = whereAbove(fastAverage, slowAverage);
    const long = { ...plainSignals({ enterLong, exitLong: oppositeOf(enterLong) }), reentry } as const;
    if (!allow_short) return long;
    const enterShort = whereAbove(slowAverage, fastAverage);
    return { ...long, enterShort, exitShort: oppositeOf(enterShort) };
  },
});

/** After a stop the averages must cross anew. */
const reentry = 'fresh_signal';

/** Comparisons with the NaN of the warm-up are false, which is 0. */
function whereAbove(upper: Float64Array, lower: Float64Array): Uint8Array {
  const { length } = upper;
  const above = new Uint8Array(length);
  // A number made of the comparison, not chosen by it: branches on prices are mispredicted.
  for (let i = 0; i < length; i++) above[i] = +((upper[i] as number) > (lower[i] as number));
  return above;
}
