import type { Clock } from '#agent/kit/clock';

/** A clock that a test moves by hand; sleepers wake in order as it passes them. */
export class ManualClock implements Clock {
  #nowMs = 1_000_000;
  readonly #sleepers = new Set<{ atMs: number; wake: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  bootMs(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { atMs: this.#nowMs + delayMs, wake: resolve };
    this.#sleepers.add(sleeper);
    const abort = (): void => {
      this.#sleepers.delete(sleeper);
      resolve();
    };
    signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }

  /** Moves on, waking everyone whose time comes, and lets what they started run. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const next = [...this.#sleepers].toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Promise chains of a few steps are done after a few turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
