/** Points that a chart of this width can show. */
export const POINTS_MAX = 5_000;

/** At most `max` of the items, one of each of as many equal stretches: the last, or the one that `pick` prefers. */
export function thin<T>(
  items: readonly T[],
  max: number,
  pick: (stretch: readonly T[]) => T | undefined = (stretch) => stretch.at(-1),
): T[] {
  if (items.length <= max) return [...items];
  const thinned: T[] = [];
  for (let index = 0; index < max; index++) {
    const from = Math.floor((index * items.length) / max);
    const to = Math.floor(((index + 1) * items.length) / max);
    const picked = pick(items.slice(from, to));
    if (picked !== undefined) thinned.push(picked);
  }
  return thinned;
}
