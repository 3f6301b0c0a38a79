import type { CoreContext } from './context';

/**
 * What a process does that stood still (SIGSTOP, a suspended machine, a long garbage collection) before it
 * blames others. Its probes and suspicions ran out while it could not read the answers; memberlist then
 * accuses half the group. Here it first has to see one probe of its own answered that began after waking.
 */
export interface Stall {
  /** The process stood still for `lagMs`. True when it was long enough to distrust what ran meanwhile. */
  noticed(lagMs: number): boolean;
  /** Whether accusations are held back. */
  muted(): boolean;
  /** A probe that began after waking has ended. */
  probeEnded(outcome: 'answered' | 'unanswered'): void;
}

/**
 * Fresh probes that may fail before a muted node believes that the others are gone: with one it could be the
 * one that is, with three the network is at fault.
 */
const UNANSWERED_MAX = 3;

export function createStall(context: CoreContext): Stall {
  let unanswered: number | undefined;
  let lastEndMs = -Infinity;
  return {
    noticed(lagMs) {
      const { stallMs, probeIntervalMs } = context.settings;
      // The same standstill is seen by late timers here and by the driver's own measurement.
      if (lagMs < stallMs / 2 || context.nowMs - lagMs < lastEndMs) return false;
      lastEndMs = context.nowMs;
      // One point for each deadline that was missed, as if each had been a probe without answers.
      context.awareness.apply(1 + Math.floor(lagMs / probeIntervalMs));
      if (lagMs < stallMs) return false;
      unanswered = 0;
      context.counters.stalls++;
      context.effects.push({ kind: 'stalled', lagMs });
      return true;
    },
    muted: () => unanswered !== undefined,
    probeEnded(outcome) {
      if (unanswered === undefined) return;
      if (outcome === 'answered' || ++unanswered >= UNANSWERED_MAX) unanswered = undefined;
    },
  };
}
