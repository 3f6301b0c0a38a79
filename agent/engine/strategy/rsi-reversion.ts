import { z } from 'zod';
import { defineStrategy } from './strategy';

const level = z.number().min(0).max(100);

/** Buys weakness: long from an RSI below `lower` until it is above the exit level. */
export const rsiReversion = defineStrategy({
  name: 'rsi_reversion',
  description: 'Long once the RSI of the close falls below a lower level, until it has recovered',
  parameters: z.strictObject({
    period: z.int().min(2).max(10_000).default(14).describe('bars of the RSI'),
    lower: level.default(30).describe('enter long below this RSI'),
    upper: level.default(70).describe('leave long above this RSI; enter short when allowed'),
    exit: level.optional().describe('leave either side when the RSI passes this, before the far level'),
    allow_short: z.boolean().default(false).describe('go short above the upper level'),
  }),
  grid: {
    period: { from: 2, to: 30, step: 1 },
    lower: { from: 10, to: 40, step: 5 },
    upper: { from: 50, to: 90, step: 5 },
  },
  constraint: {
    description: 'lower < upper and exit between them',
    holds: ({ lower, upper, exit }) =>
      lower < upper && (exit === undefined || (lower <= exit && exit <= upper)),
  },
  warmupBars: (parameters) => parameters.period,
  targets(bars, { period, lower, upper, exit, allow_short }, cache) {
    const rsi = cache.indicator(bars, 'rsi', period);
    const exitLong = exit ?? upper;
    const exitShort = exit ?? lower;
    const targets = new Int8Array(bars.length);
    let position = 0;
    for (let i = period; i < targets.length; i++) {
      const value = rsi[i] as number;
      if ((position === 1 && value > exitLong) || (position === -1 && value < exitShort)) position = 0;
      if (value < lower) position = 1;
      else if (allow_short && value > upper) position = -1;
      targets[i] = position;
    }
    return targets;
  },
});
