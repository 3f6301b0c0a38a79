import { blockLength } from './window';

/**
 * Sum of the last `period` values of `part` / that of `whole`; NaN until there are as many. `undefinedAs`
 * stands where the whole has been 0 for as long, which is told exactly and not from a sum that rounding
 * has left. Values must be finite.
 */
export function rollingRatio(
  part: Float64Array,
  whole: Float64Array,
  { period, undefinedAs }: { period: number; undefinedAs: number },
): Float64Array {
  const { length } = part;
  const result = new Float64Array(length);
  const first = Math.min(length, period - 1);
  result.fill(NaN, 0, first);
  const block = blockLength(period);
  for (let start = first; start < length; start += block) {
    const end = Math.min(length, start + block);
    let upper = 0;
    let lower = 0;
    let zeros = 0;
    for (let i = start - period + 1; i < start; i++) {
      upper += part[i] as number;
      lower += whole[i] as number;
      zeros = whole[i] === 0 ? zeros + 1 : 0;
    }
    for (let i = start; i < end; i++) {
      const value = whole[i] as number;
      upper += part[i] as number;
      lower += value;
      zeros = value === 0 ? zeros + 1 : 0;
      result[i] = zeros >= period ? undefinedAs : upper / lower;
      upper -= part[i - period + 1] as number;
      lower -= whole[i - period + 1] as number;
    }
  }
  return result;
}
