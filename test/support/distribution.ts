import { assert } from '#agent/kit/assert';

/** The value below which that share of the values lies, by nearest rank: one that was measured. */
export function quantile(values: readonly number[], share: number): number {
  assert(values.length > 0, 'a quantile is of something');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}
