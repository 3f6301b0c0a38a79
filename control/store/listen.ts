import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Database } from './connect';

export interface ListenOptions {
  channel: string;
  /** A notification came. Several may have been sent for it: look at what there is, not at how many came. */
  onNotify: (payload: string) => void;
  /** LISTEN is in force, at first or again after a lost connection: what was sent before may be lost, so rescan. */
  onListening: () => void;
}

/** Listens on a connection of its own, which is made anew whenever it is lost, until disposed. */
export async function listen(database: Database, options: ListenOptions): Promise<AsyncDisposable> {
  const subscription = await database.sql.listen(options.channel, options.onNotify, options.onListening);
  return {
    [Symbol.asyncDispose]: async () => {
      // When the connection is gone, so is the LISTEN.
      await subscription.unlisten().catch(() => undefined);
    },
  };
}

/** A NOTIFY in each transaction would serialise all commits: one for many costs nothing. */
const NOTIFY_INTERVAL_MS = 5;

/**
 * Sends notifications, at most one each 5 ms on each channel, on connections outside the caller's
 * transaction: call it after the commit. A failure is logged only, since listeners poll slowly besides.
 */
export class Notifier implements AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #lastMs = new Map<string, number>();
  readonly #pending = new Map<string, Promise<void>>();
  readonly #sending = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Returns at once. Calls that come before the notification is sent are covered by it. */
  notify(channel: string): void {
    if (this.#pending.has(channel) || this.#closing.signal.aborted) return;
    this.#pending.set(channel, this.#sendInTurn(channel));
  }

  /** Sends what is still to be sent, and then nothing more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#pending.values());
    await Promise.all(this.#sending);
  }

  async #sendInTurn(channel: string): Promise<void> {
    const lastMs = this.#lastMs.get(channel) ?? -Infinity;
    const waitMs = lastMs + NOTIFY_INTERVAL_MS - this.#clock.bootMs();
    // Timers cut fractions of a millisecond off.
    await this.#clock.sleep(Math.max(0, Math.ceil(waitMs)), this.#closing.signal);
    this.#lastMs.set(channel, this.#clock.bootMs());
    this.#pending.delete(channel);
    const sending = this.#send(channel);
    this.#sending.add(sending);
    await sending;
    this.#sending.delete(sending);
  }

  async #send(channel: string): Promise<void> {
    try {
      await this.#database.sql`select pg_notify(${channel}, '')`;
    } catch (error) {
      this.#database.log.warn('a notification was not sent', { channel, error: describeError(error) });
    }
  }
}
