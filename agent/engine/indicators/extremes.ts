import type { BarColumns } from '#agent/engine/bars';

/** Highest of `high` and lowest of `low` over a moving window. */
export interface Extremes {
  highest: Float64Array;
  lowest: Float64Array;
}

/**
 * Extremes of the last `period` values; NaN until there are as many. Takes the same time whatever the
 * period and the prices: the window is the end of one block of `period` values and the beginning of the
 * next, whose extremes are running ones (van Herk 1992, "A fast algorithm for local minimum and maximum
 * filters on rectangular and octagonal kernels", Pattern Recognition Letters 13). Values must be finite.
 * `out`, when given, is overwritten and returned. `out`, when given, is overwritten.
 */
export function rollingExtremes(
  { high, low }: Pick<BarColumns, 'high' | 'low'>,
  period: number,
  out: Extremes = emptyExtremes(high.length),
): Extremes {
  const { length } = high;
  const { highest, lowest } = out;
  highest.fill(NaN, 0, Math.min(length, period - 1));
  lowest.fill(NaN, 0, Math.min(length, period - 1));
  // Extremes of the previous block from each place to its end, and of nothing behind the last place.
  const highestToEnd = new Float64Array(period + 1).fill(-Infinity);
  const lowestToEnd = new Float64Array(period + 1).fill(Infinity);
  for (let start = 0; start + period <= length; start += period) {
    let top = -Infinity;
    let bottom = Infinity;
    for (let place = period - 1; place >= 0; place--) {
      const highValue = high[start + place] as number;
      const lowValue = low[start + place] as number;
      if (highValue > top) top = highValue;
      if (lowValue < bottom) bottom = lowValue;
      highestToEnd[place] = top;
      lowestToEnd[place] = bottom;
    }
    const last = start + period - 1;
    highest[last] = top;
    lowest[last] = bottom;
    top = -Infinity;
    bottom = Infinity;
    const end = Math.min(length, last + period);
    for (let i = last + 1, place = 1; i < end; i++, place++) {
      const highValue = high[i] as number;
      const lowValue = low[i] as number;
      if (highValue > top) top = highValue;
      if (lowValue < bottom) bottom = lowValue;
      const topBefore = highestToEnd[place] as number;
      const bottomBefore = lowestToEnd[place] as number;
      highest[i] = topBefore > top ? topBefore : top;
      lowest[i] = bottomBefore < bottom ? bottomBefore : bottom;
    }
  }
  return out;
}

function emptyExtremes(length: number): Extremes {
  return { highest: new Float64Array(length), lowest: new Float64Array(length) };
}
