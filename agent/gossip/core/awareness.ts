/**
 * Lifeguard's local health: a node that misses answers it should have got doubts itself first, and gives
 * its probes more time (Dadgar, Phillips, Currey: Lifeguard, arXiv 1707.00788, §4.1).
 */
export interface Awareness {
  /** 0 is healthy; at most `max` − 1. */
  score(): number;
  /** Positive deltas are bad news. */
  apply(delta: number): void;
  /** durationMs × (score + 1) */
  scaleMs(durationMs: number): number;
}

export function createAwareness(max: number): Awareness {
  let score = 0;
  return {
    score: () => score,
    apply(delta) {
      score = Math.min(Math.max(score + delta, 0), max - 1);
    },
    scaleMs: (durationMs) => durationMs * (score + 1),
  };
}
