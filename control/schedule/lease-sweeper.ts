import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';

export interface SweepResult {
  /** Operations that wait again, or ended for good. */
  taken: string[];
}

/** Whether leases may be taken back, given the database's clock just now. */
export type TakeBack = (databaseMs: number) => boolean;

export interface LeaseSweeperOptions {
  clock: Clock;
  log: Log;
  leaseMs: number;
  periodMs: number;
  /** Reads the database's clock, asks with it, and takes back what was overdue then. */
  sweep: (options: { takeBack: TakeBack }) => Promise<SweepResult>;
  onTaken: (operationIds: string[]) => void;
}

/** The database's clock may run this much off the boot clock between two sweeps before it counts as a step. */
const CLOCK_STEP_MS = 1500;
/** Of a lease time: agents renew several times within one, so that a shorter standstill costs no lease. */
const STANDSTILL_SHARE = 1 / 3;

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
    const { sweep, onTaken } = this.#options;
    const { taken } = await sweep({ takeBack: (databaseMs) => this.#mayTakeBack(databaseMs) });
    if (taken.length > 0) onTaken(taken);
  }

  /** Judged between reading the database's clock and using it: after a step every lease looks overdue. */
  #mayTakeBack(databaseMs: number): boolean {
    const { clock, leaseMs } = this.#options;
    const bootMs = clock.bootMs();
    if (this.#last) {
      const elapsedMs = bootMs - this.#last.bootMs;
      const driftMs = databaseMs - this.#last.databaseMs - elapsedMs;
      if (elapsedMs > leaseMs * STANDSTILL_SHARE) this.hold('this process or the database stood still');
      else if (Math.abs(driftMs) > CLOCK_STEP_MS)
        this.hold(`the database's clock stepped by ${Math.round(driftMs)} ms`);
    }
    this.#last = { bootMs, databaseMs };
    return this.heldForMs === 0;
  }
}
