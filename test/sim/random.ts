import type { Rng } from '#agent/kit/rng';

/** Mulberry32: one multiplication chain a draw, since a campaign draws billions. */
export function fastRng(seed: number): Rng {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (bound) => Math.floor(next() * bound) };
}

/** A stream of its own for each concern, so that one more draw in one leaves the others alone. */
export function forkRng(seed: number, concern: number): Rng {
  const rng = fastRng(Math.imul(seed, 0x9e3779b1) ^ Math.imul(concern + 1, 0x85ebca6b));
  rng.next();
  return rng;
}

export function between(rng: Rng, low: number, high: number): number {
  return low + rng.next() * (high - low);
}

export function pick<T>(rng: Rng, choices: readonly T[]): T {
  return choices[rng.below(choices.length)] as T;
}
