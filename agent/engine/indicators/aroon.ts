import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';

/**
 * How long ago the highest high and the lowest low of the last `period` + 1 bars were, from 100 (now) to
 * 0 (`period` bars ago); of equal ones the latest. The oscillator is up − down.
 */
export const aroonIndicator = defineIndicator({
  name: 'aroon',
  description: 'Aroon: how fresh the latest high and low are, 0 to 100',
  category: 'trend',
  reference: 'TA-Lib AROON and AROONOSC',
  inputs: ['high', 'low'],
  parameters: z.strictObject({ period: barCount(14, 'bars to look back', 2) }),
  outputs: ['up', 'down', 'oscillator'],
  warmupBars: ({ period }) => period,
  compute({ high, low }, { period }) {
    const up = freshness(high, period, 1);
    const down = freshness(low, period, -1);
    const oscillator = new Float64Array(up.length);
    for (let i = 0; i < up.length; i++) oscillator[i] = (up[i] as number) - (down[i] as number);
    return { up, down, oscillator };
  },
});

/**
 * 100 · (1 − age of the window's extreme / period). Ages come from two running extremes, as values do in
 * `rollingExtremes`: the time taken does not depend on the period.
 */
function freshness(source: Float64Array, period: number, sign: 1 | -1): Float64Array {
  const { length } = source;
  const window = period + 1;
  const result = new Float64Array(length).fill(NaN, 0, period);
  const factor = 100 / period;
  const indexToEnd = new Int32Array(window + 1).fill(-1);
  const valueToEnd = new Float64Array(window + 1).fill(-Infinity);
  for (let start = 0; start + window <= length; start += window) {
    let index = -1;
    let best = -Infinity;
    for (let place = window - 1; place >= 0; place--) {
      const value = sign * (source[start + place] as number);
      if (value > best) {
        best = value;
        index = start + place;
      }
      valueToEnd[place] = best;
      indexToEnd[place] = index;
    }
    const last = start + period;
    result[last] = factor * (period - (last - index));
    best = -Infinity;
    const end = Math.min(length, last + window);
    for (let i = last + 1, place = 1; i < end; i++, place++) {
      const value = sign * (source[i] as number);
      if (value >= best) {
        best = value;
        index = i;
      }
      const extreme = best >= (valueToEnd[place] as number) ? index : (indexToEnd[place] as number);
      result[i] = factor * (period - (i - extreme));
    }
  }
  return result;
}
