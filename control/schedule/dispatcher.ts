import type { AttemptKey, ClaimReply } from '#agent/contract/lease';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import type { Clock } from '#agent/kit/clock';

/** A long poll as it comes in. */
export interface Poll {
  nodeId: string;
  nonce: string;
  freeSlots: number;
  waitMs: number;
  signal: AbortSignal;
}

/** What the database gives one poll; empty when nothing fits. */
export type ClaimFor = (poll: Poll) => Promise<ClaimReply>;

interface Waiter {
  poll: Poll;
  arrived: number;
  settle: (reply: ClaimReply | Error) => void;
}

const NOTHING: ClaimReply = { grants: [], cancel: [] };

/**
 * Holds the long polls of all agents and hands out work, one database transaction at a time: the node
 * that got work longest ago first. It is woken by submissions, ended attempts and notifications, and
 * looks again by itself each second, since a wake-up may be lost.
 */
export class Dispatcher implements AsyncDisposable {
  readonly #waiters = new Map<string, Waiter>();
  readonly #lastGrant = new Map<string, number>();
  readonly #toldCancels = new Map<string, Set<string>>();
  readonly #claimFor: ClaimFor;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #rescan: Promise<void>;
  #sequence = 0;
  #again = false;
  #running: Promise<void> | undefined;

  constructor(options: { claimFor: ClaimFor; log: Log; clock: Clock; rescanMs?: number }) {
    this.#claimFor = options.claimFor;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#rescan = this.#rescanForever(options.rescanMs ?? 1000);
  }

  /** Answers at once when there is work, otherwise when there is, or with nothing after `waitMs`. */
  claim(poll: Poll): Promise<ClaimReply> {
    const { promise, resolve, reject } = Promise.withResolvers<ClaimReply>();
    this.#waiters.get(poll.nodeId)?.settle(NOTHING);
    const over = new AbortController();
    const settle = (reply: ClaimReply | Error): void => {
      if (this.#waiters.get(poll.nodeId) === waiter) this.#waiters.delete(poll.nodeId);
      over.abort();
      if (reply instanceof Error) reject(reply);
      else resolve(reply);
    };
    const waiter: Waiter = { poll, arrived: this.#sequence++, settle };
    this.#waiters.set(poll.nodeId, waiter);
    poll.signal.addEventListener('abort', () => settle(NOTHING), { once: true, signal: over.signal });
    void this.#clock.sleep(poll.waitMs, over.signal).then(() => settle(NOTHING));
    // A client that left before it was listened to must not be given work.
    if (this.#closed || poll.signal.aborted) settle(NOTHING);
    else this.wake();
    return promise;
  }

  /** Something may be claimable, or cancelled: look again soon. */
  wake(): void {
    this.#again = true;
    if (this.#running !== undefined || this.#closed) return;
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      if (this.#again) this.wake();
    });
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#waiters.forEach((waiter) => waiter.settle(NOTHING));
    await this.#rescan;
    await this.#running;
  }

  async #rescanForever(periodMs: number): Promise<void> {
    while (!this.#closed) {
      await this.#clock.sleep(periodMs, this.#stop.signal);
      this.wake();
    }
  }

  get #closed(): boolean {
    return this.#stop.signal.aborted;
  }

  async #drain(): Promise<void> {
    this.#again = false;
    for (const waiter of this.#leastRecentlyUsed()) {
      if (this.#waiters.get(waiter.poll.nodeId) !== waiter) continue;
      try {
        const reply = this.#untold(waiter.poll.nodeId, await this.#claimFor(waiter.poll));
        if (reply.grants.length > 0) this.#lastGrant.set(waiter.poll.nodeId, this.#sequence++);
        if (reply.grants.length > 0 || reply.cancel.length > 0) waiter.settle(reply);
      } catch (error) {
        this.#log.warn('claim failed', { node: waiter.poll.nodeId, error: describeError(error) });
        waiter.settle(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  #leastRecentlyUsed(): Waiter[] {
    const used = (waiter: Waiter): number => this.#lastGrant.get(waiter.poll.nodeId) ?? -1;
    return [...this.#waiters.values()].sort((a, b) => used(a) - used(b) || a.arrived - b.arrived);
  }

  /** Each cancellation is told once by poll, for speed; heartbeats repeat it until the attempt has ended. */
  #untold(nodeId: string, reply: ClaimReply): ClaimReply {
    const told = this.#toldCancels.get(nodeId) ?? new Set<string>();
    const name = (key: AttemptKey): string => `${key.operation_id}.${key.epoch}`;
    const cancel = reply.cancel.filter((key) => !told.has(name(key)));
    this.#toldCancels.set(nodeId, new Set(reply.cancel.map(name)));
    return { grants: reply.grants, cancel };
  }
}
