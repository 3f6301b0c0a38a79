import type { Load } from '#agent/contract/capability';
import type { Log } from '#agent/kit/log';

export type Disturbance = NonNullable<Load['disturbance']>;

export interface Clocks {
  /** Since boot, sleep included. */
  bootMs: () => number;
  /** Since boot, sleep not included. */
  monotonicMs: () => number;
  /** Milliseconds since 1970. */
  wallMs: () => number;
}

/** Clocks are read one after the other; less than this is no event, and nobody wants to hear of it. */
const LEAST_MS = 2_000;
/** For so long people are told of it. */
const TOLD_MS = 10 * 60_000;

/**
 * Notices that the machine slept, and that its clock was set, by three clocks that each go on differently.
 * A process that merely stood still is neither: all of them went on.
 */
export function createClockWatch(clocks: Clocks, log: Log): { look(): Disturbance | null } {
  let before = read(clocks);
  let last: { kind: Disturbance['kind']; byMs: number; atBootMs: number } | undefined;

  const note = (kind: Disturbance['kind'], byMs: number, atBootMs: number): void => {
    last = { kind, byMs, atBootMs };
    const seconds = Math.round(byMs / 1000);
    if (kind === 'slept') log.info('this machine slept', { for_s: seconds });
    else log.warn('the clock of this machine was set', { by_s: seconds });
  };

  return {
    look() {
      const now = read(clocks);
      const bootMs = now.bootMs - before.bootMs;
      const sleptMs = bootMs - (now.monotonicMs - before.monotonicMs);
      const setMs = now.wallMs - before.wallMs - bootMs;
      before = now;
      // After a sleep the wall clock is read from the hardware: a step then is a part of waking up.
      if (sleptMs >= LEAST_MS) note('slept', sleptMs, now.bootMs);
      else if (Math.abs(setMs) >= LEAST_MS) note('clock-set', setMs, now.bootMs);
      if (last === undefined || now.bootMs - last.atBootMs > TOLD_MS) return null;
      const { kind, byMs, atBootMs } = last;
      return { kind, byMs: Math.round(byMs), agoMs: Math.round(now.bootMs - atBootMs) };
    },
  };
}

function read({ bootMs, monotonicMs, wallMs }: Clocks): Record<keyof Clocks, number> {
  return { bootMs: bootMs(), monotonicMs: monotonicMs(), wallMs: wallMs() };
}
