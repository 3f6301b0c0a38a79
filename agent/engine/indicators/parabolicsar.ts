import { z } from 'zod';
import type { BarColumns } from '#agent/engine/bars';
import { defineIndicator } from './indicator';

const factor = z.number().min(0.0001).max(1);

export const parabolicsarIndicator = defineIndicator({
  name: 'parabolicsar',
  description: 'Parabolic stop and reverse',
  category: 'trend',
  reference: 'TA-Lib SAR; with initial_af other than step_af TA-Lib SAREXT',
  inputs: ['high', 'low'],
  parameters: z.strictObject({
    initial_af: factor.default(0.02).describe('acceleration after a reversal'),
    step_af: factor.default(0.02).describe('what each new extreme adds to it'),
    max_af: factor.default(0.2).describe('the most it becomes'),
  }),
  constraint: {
    description: 'initial_af <= max_af and step_af <= max_af',
    holds: ({ initial_af, step_af, max_af }) => initial_af <= max_af && step_af <= max_af,
  },
  outputs: ['parabolicsar'],
  warmupBars: () => 1,
  compute: (columns, parameters) => ({ parabolicsar: parabolicSar(columns, parameters) }),
});

interface Acceleration {
  initial_af: number;
  step_af: number;
  max_af: number;
}

/**
 * Wilder's stop: it moves towards the extreme of the trade by the acceleration, never into the last two
 * bars, and reverses where a bar touches it. The first trade is short when the first move down is larger
 * than the one up.
 */
function parabolicSar(
  { high, low }: Pick<BarColumns, 'high' | 'low'>,
  { initial_af, step_af, max_af }: Acceleration,
): Float64Array {
  const { length } = high;
  const result = new Float64Array(length).fill(NaN, 0, 1);
  if (length < 2) return result;
  let long = !beginsShort(high, low);
  let extreme = (long ? high[1] : low[1]) as number;
  let stop = (long ? low[0] : high[0]) as number;
  let acceleration = initial_af;
  let highBefore = high[1] as number;
  let lowBefore = low[1] as number;
  for (let i = 1; i < length; i++) {
    const top = high[i] as number;
    const bottom = low[i] as number;
    if (long ? bottom <= stop : top >= stop) {
      long = !long;
      stop = long ? Math.min(extreme, lowBefore, bottom) : Math.max(extreme, highBefore, top);
      acceleration = initial_af;
      extreme = long ? top : bottom;
      result[i] = stop;
    } else {
      result[i] = stop;
      if (long ? top > extreme : bottom < extreme) {
        extreme = long ? top : bottom;
        acceleration = Math.min(max_af, acceleration + step_af);
      }
    }
    stop += acceleration * (extreme - stop);
    stop = long ? Math.min(stop, lowBefore, bottom) : Math.max(stop, highBefore, top);
    highBefore = top;
    lowBefore = bottom;
  }
  return result;
}

function beginsShort(high: Float64Array, low: Float64Array): boolean {
  const rise = (high[1] as number) - (high[0] as number);
  const fall = (low[0] as number) - (low[1] as number);
  return fall > 0 && rise < fall;
}
