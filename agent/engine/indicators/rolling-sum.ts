import { blockLength } from './window';

/**
 * Sum of the last `period` values; NaN until there are as many. Exactly 0 while all of them are 0, so
 * that a division by it can be told from one by a rounding error. Values must be finite.
 */
export function rollingSum(source: Float64Array, period: number): Float64Array {
  const { length } = source;
  const result = new Float64Array(length);
  const first = Math.min(length, period - 1);
  result.fill(NaN, 0, first);
  const block = blockLength(period);
  for (let start = first; start < length; start += block) {
    const end = Math.min(length, start + block);
    let sum = 0;
    let zeros = 0;
    for (let i = start - period + 1; i < start; i++) {
      const value = source[i] as number;
      sum += value;
      zeros = value === 0 ? zeros + 1 : 0;
    }
    for (let i = start; i < end; i++) {
      const value = source[i] as number;
      sum += value;
      zeros = value === 0 ? zeros + 1 : 0;
      if (zeros >= period) sum = 0;
      result[i] = sum;
      sum -= source[i - period + 1] as number;
    }
  }
  return result;
}
