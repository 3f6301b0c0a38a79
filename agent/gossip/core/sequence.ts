import type { Rng } from '#agent/kit/rng';

/** Numbers of pings: 32 bits, from a random start, so that answers to a former life match nothing. */
export function createSequence(rng: Rng): () => number {
  let last = rng.below(2 ** 32);
  return () => {
    last = (last + 1) >>> 0;
    return last;
  };
}
