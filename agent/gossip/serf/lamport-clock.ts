/**
 * A logical clock: what happened after something else has a later time, on every node.
 * Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 1978.
 */
export interface LamportClock {
  now(): number;
  /** The time of something that happens here now; later things come after it. */
  next(): number;
  /** Something of that time was heard of. */
  witness(time: number): void;
}

/** A liar cannot take the clock to where it would overflow: times beyond this are not witnessed. */
export const LAMPORT_MAX = 2 ** 48;

export function createLamportClock(start = 1): LamportClock {
  let time = start;
  return {
    now: () => time,
    next: () => time++,
    witness(heard) {
      if (heard >= time && heard <= LAMPORT_MAX) time = heard + 1;
    },
  };
}
