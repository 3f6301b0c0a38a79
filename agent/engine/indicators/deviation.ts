import { blockLength } from './window';

/**
 * Population standard deviation of the last `period` values; NaN until there are as many, exactly 0
 * while they are equal. Sums are of distances to a value nearby: sums of plain squares, as TA-Lib has
 * them, lose the deviation of a price that is large beside it. Values must be finite.
 */
export function rollingDeviation(source: Float64Array, period: number): Float64Array {
  const { length } = source;
  const result = new Float64Array(length);
  const first = Math.min(length, period - 1);
  result.fill(NaN, 0, first);
  const block = blockLength(period);
  const weight = 1 / period;
  for (let start = first; start < length; start += block) {
    const end = Math.min(length, start + block);
    const origin = source[start] as number;
    let sum = 0;
    let squares = 0;
    let unmoved = 0;
    let previous = NaN;
    for (let i = start - period + 1; i < start; i++) {
      const value = source[i] as number;
      unmoved = value === previous ? unmoved + 1 : 1;
      previous = value;
      sum += value - origin;
      squares += (value - origin) * (value - origin);
    }
    for (let i = start; i < end; i++) {
      const value = source[i] as number;
      unmoved = value === previous ? unmoved + 1 : 1;
      previous = value;
      const distance = value - origin;
      sum += distance;
      squares += distance * distance;
      const mean = sum * weight;
      const variance = squares * weight - mean * mean;
      result[i] = variance > 0 && unmoved < period ? Math.sqrt(variance) : 0;
      const oldest = (source[i - period + 1] as number) - origin;
      sum -= oldest;
      squares -= oldest * oldest;
    }
  }
  return result;
}
