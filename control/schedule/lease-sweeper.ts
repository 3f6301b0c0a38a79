import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';

export interface SweepResult {
  /** Operations that wait again, or ended for good. */
  taken: string[];
  /** The database's clock at the sweep, milliseconds since 1970. */
  databaseMs: number;
}

export interface LeaseSweeperOptions {
  clock: Clock;
  log: Log;
  leaseMs: number;
  periodMs: number;
  sweep: (options: { takeBack: boolean }) => Promise<SweepResult>;
  onTaken: (operationIds: string[]) => void;
}

/** The database's clock may run this much off the boot clock between two sweeps before it counts as a step. */
const CLOCK_STEP_MS = 1500;

/**
 * Takes overdue leases back. None is taken for one lease time after a start, after the database was
 * away, after its clock stepped, or after this process itself stood still: in all of these the agents
 * could not renew, which says nothing about them.
 */
export class LeaseSweeper implements AsyncDisposable {
  readonly #options: LeaseSweeperOptions;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #heldUntilBootMs: number;
  #last: { bootMs: number; databaseMs: number } | undefined;

  constructor(options: LeaseSweeperOptions) {
    this.#options = options;
    this.#heldUntilBootMs = options.clock.bootMs() + options.leaseMs;
    this.#loop = this.#run();
  }

  /** Takes nothing back for one lease time from now. */
  hold(reason: string): void {
    const { clock, leaseMs, log } = this.#options;
    if (this.#stop.signal.aborted) return;
    this.#heldUntilBootMs = clock.bootMs() + leaseMs;
    log.info('leases are held', { reason, forMs: leaseMs });
  }

  /** Milliseconds until leases are taken back again; zero when they are. */
  get heldForMs(): number {
    return Math.max(0, this.#heldUntilBootMs - this.#options.clock.bootMs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, log, periodMs } = this.#options;
    let failing = false;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#once();
        failing = false;
      } catch (error) {
        if (!failing) log.warn('lease sweep failed', { error: describeError(error) });
        failing = true;
        this.#last = undefined;
        this.#heldUntilBootMs = clock.bootMs() + this.#options.leaseMs;
      }
      await clock.sleep(periodMs, this.#stop.signal);
    }
  }

  async #once(): Promise<void> {
    const { clock, periodMs, sweep, onTaken } = this.#options;
    const startedBootMs = clock.bootMs();
    if (this.#last && startedBootMs - this.#last.bootMs > periodMs * 3 + 1000)
      this.hold('this process stood still');
    const result = await sweep({ takeBack: this.heldForMs === 0 });
    const bootMs = clock.bootMs();
    if (this.#last) {
      const drift = result.databaseMs - this.#last.databaseMs - (bootMs - this.#last.bootMs);
      if (Math.abs(drift) > CLOCK_STEP_MS)
        this.hold(`the database's clock stepped by ${Math.round(drift)} ms`);
    }
    this.#last = { bootMs, databaseMs: result.databaseMs };
    if (result.taken.length > 0) onTaken(result.taken);
  }
}
