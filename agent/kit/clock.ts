import { dlopen, ptr } from 'bun:ffi';
import { assert } from './assert';

/** Time as a parameter: the daemon passes `systemClock`, tests and simulations their own. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. For people and records only: it may step. */
  nowMs(): number;
  /** Milliseconds since boot, suspend included: deadlines and leases are counted on this one. */
  bootMs(): number;
  /** Resolves after `delayMs`, or earlier, without an error, when the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  bootMs,
  sleep: sleepReal,
};

const CLOCK_BOOTTIME = 7;

const libc =
  process.platform === 'linux'
    ? dlopen('libc.so.6', { clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' } })
    : undefined;
const timespec = new BigInt64Array(2);

function bootMs(): number {
  // macOS: its monotonic clock is what performance.now() reads; it stops in sleep there.
  if (libc === undefined) return performance.timeOrigin + performance.now();
  const status = libc.symbols.clock_gettime(CLOCK_BOOTTIME, ptr(timespec));
  assert(status === 0, 'clock_gettime(CLOCK_BOOTTIME) failed');
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}

function sleepReal(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', done);
    resolve();
  };
  const timer = setTimeout(done, Math.max(0, delayMs));
  signal?.addEventListener('abort', done, { once: true });
  return promise;
}
