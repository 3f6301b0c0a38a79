import type { Clock } from './clock';
import type { Rng } from './rng';

export interface Backoff {
  delayMsMin: number;
  delayMsMax: number;
}

/** Exponential backoff with full jitter: uniform in [min/2, min(max, min·2^attempt)], attempt from 0. */
export function backoffDelayMs(backoff: Backoff, attempt: number, rng: Rng): number {
  const ceiling = Math.min(backoff.delayMsMax, backoff.delayMsMin * 2 ** Math.min(attempt, 30));
  const floor = backoff.delayMsMin / 2;
  return floor + rng.next() * (ceiling - floor);
}

export interface RetryOptions {
  clock: Clock;
  rng: Rng;
  backoff: Backoff;
  signal?: AbortSignal;
  /** False ends the retrying and rethrows. */
  retryable: (error: unknown) => boolean;
  onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/** Runs `work` until it succeeds, the error is not retryable, or the signal aborts. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (options.signal?.aborted || !options.retryable(error)) throw error;
      const delayMs = backoffDelayMs(options.backoff, attempt, options.rng);
      options.onRetry?.(error, attempt, delayMs);
      await options.clock.sleep(delayMs, options.signal);
      if (options.signal?.aborted) throw error;
    }
  }
}
