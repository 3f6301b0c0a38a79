import { assert } from '#agent/kit/assert';

/**
 * Running sums are taken afresh from the source every so many bars: rounding errors (and a NaN or a
 * freak price) then live for one block only, at less than one extra addition a bar.
 */
export function blockLength(period: number): number {
  return Math.max(1024, 2 * period);
}

/** Index of the first value that is not NaN: the end of the warm-up of an indicator under this one. */
export function firstValueIndex(source: Float64Array): number {
  let index = 0;
  while (index < source.length && Number.isNaN(source[index])) index++;
  return index;
}

export function checkPeriod(period: number, periodMin: number): void {
  assert(
    Number.isSafeInteger(period) && period >= periodMin,
    `an indicator's period must be an integer of at least ${periodMin}, got ${period}`,
  );
}
