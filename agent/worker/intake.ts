import type { AttemptKey, Grant, ResultReport } from '#agent/contract/lease';
import type { JobSpec } from '#agent/contract/job';
import { describeError, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { jobKindNamed } from '#agent/jobs/registry';
import type { Delivery } from './attempts/delivery';
import type { Supervisor } from './attempts/supervisor';
import { attemptName } from './attempt-files';
import { keyOf } from './control-api';
import type { WorkerMetrics } from './worker-metrics';

export interface IntakeOptions {
  workerId: string;
  attempts: Pick<Supervisor, 'held' | 'freeSlots' | 'start' | 'renewed' | 'cancel'>;
  /** The path of a verified bars file; rejects with the signal's reason, or for good. */
  fetchBars: (dataHash: string, signal: AbortSignal) => Promise<string>;
  delivery: Pick<Delivery, 'result'>;
  log: Log;
  metrics: Pick<WorkerMetrics, 'grants'>;
}

/**
 * Between a grant and its start: fetches the bars, then hands the attempt to the supervisor. A grant
 * that cannot be started is reported failed. Attempts of both are held, renewed and cancelled here.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #starting = new Map<string, Starting>();
  /** Of attempts that this process started, so that the cache keeps their files. */
  readonly #bars = new Map<string, string>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Every attempt that this agent answers for. */
  held(): AttemptKey[] {
    const keys = new Map(this.#options.attempts.held().map((key) => [attemptName(key), keyOf(key)]));
    for (const [name, { grant }] of this.#starting) keys.set(name, keyOf(grant));
    return [...keys.values()];
  }

  freeSlots(): number {
    const begun = new Set(this.#options.attempts.held().map(attemptName));
    const waiting = [...this.#starting.keys()].filter((name) => !begun.has(name)).length;
    return Math.max(0, this.#options.attempts.freeSlots() - waiting);
  }

  /** Hashes of bars that a held attempt may be about to open. */
  barsInUse(): ReadonlySet<string> {
    const held = new Set(this.held().map(attemptName));
    for (const name of this.#bars.keys()) if (!held.has(name)) this.#bars.delete(name);
    return new Set(this.#bars.values());
  }

  /** Repeating a grant that is held does nothing, as the answer to a repeated poll. */
  take(grant: Grant, deadlineBootMs: number): void {
    const name = attemptName(grant);
    if (this.held().some((key) => attemptName(key) === name)) return;
    this.#options.metrics.grants.inc({ operation_type: grant.kind });
    const starting: Starting = {
      grant,
      deadlineBootMs,
      stop: new AbortController(),
      order: 'start',
      done: Promise.resolve(),
    };
    this.#starting.set(name, starting);
    if (grant.bars !== null) this.#bars.set(name, grant.bars.data_hash);
    starting.done = this.#start(starting).finally(() => {
      this.#starting.delete(name);
    });
  }

  renewed(key: AttemptKey, deadlineBootMs: number): void {
    const starting = this.#starting.get(attemptName(key));
    if (starting !== undefined) starting.deadlineBootMs = deadlineBootMs;
    if (this.#isBegun(key)) this.#options.attempts.renewed(key, deadlineBootMs);
  }

  /** Somebody asked for the end of this attempt: it stops and its end is reported. */
  cancel(key: AttemptKey, reason: string): void {
    const starting = this.#starting.get(attemptName(key));
    if (starting?.order === 'start') this.#order(starting, 'cancel', reason);
    if (this.#isBegun(key)) this.#options.attempts.cancel(key, 'cancelled', reason);
  }

  /** The attempt is not ours any more: it stops, and what it still reports is refused as stale. */
  drop(key: AttemptKey, reason: string): void {
    const starting = this.#starting.get(attemptName(key));
    if (starting !== undefined) this.#order(starting, 'drop', reason);
    if (this.#isBegun(key)) this.#options.attempts.cancel(key, 'cancelled', reason);
  }

  /** Gives back what is not started yet, and says so to the control plane, until the signal aborts. */
  async release(signal: AbortSignal): Promise<void> {
    const waiting = [...this.#starting.values()];
    for (const starting of waiting) {
      if (starting.order === 'start') this.#order(starting, 'release', 'the agent stops');
    }
    const abort = (): void => {
      for (const { stop } of waiting) stop.abort(new Fault('unavailable', 'Cannot report: the agent stops'));
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    await Promise.all(waiting.map(({ done }) => done));
    signal.removeEventListener('abort', abort);
  }

  #order(starting: Starting, order: 'cancel' | 'drop' | 'release', reason: string): void {
    starting.order = order;
    starting.stop.abort(new Fault('conflict', `Cannot start the attempt: ${reason}`));
  }

  #isBegun(key: AttemptKey): boolean {
    const name = attemptName(key);
    return this.#options.attempts.held().some((held) => attemptName(held) === name);
  }

  async #start(starting: Starting): Promise<void> {
    const { grant, stop } = starting;
    try {
      const spec = await this.#prepare(grant, stop.signal);
      stop.signal.throwIfAborted();
      await this.#options.attempts.start(spec, starting.deadlineBootMs);
      // The order to stop may have come while the supervisor was starting it.
      if (starting.order !== 'start')
        this.#options.attempts.cancel(grant, 'cancelled', 'stopped at its start');
    } catch (error) {
      await this.#giveUp(starting, error);
    }
  }

  async #prepare(grant: Grant, signal: AbortSignal): Promise<Omit<JobSpec, 'attempt_dir'>> {
    const kind = jobKindNamed(grant.kind);
    const path = grant.bars === null ? null : await this.#options.fetchBars(grant.bars.data_hash, signal);
    return { grant, bars_path: path, lease_policy: kind.lease };
  }

  async #giveUp(starting: Starting, error: unknown): Promise<void> {
    const { grant } = starting;
    const { delivery, log } = this.#options;
    const key = keyOf(grant);
    if (starting.order === 'drop') {
      log.info('an attempt was given up before its start', { ...key, reason: describeError(error) });
      return;
    }
    const report = this.#endReport(error, starting.order);
    if (report.error !== null) {
      log.warn('an attempt cannot be started', { ...key, kind: grant.kind, reason: describeError(error) });
    }
    // The attempt stays held until this is home, or until it is dropped; nothing is left to cancel.
    starting.order = 'report';
    starting.stop = new AbortController();
    try {
      await delivery.result(key, report, starting.stop.signal);
    } catch (cause) {
      log.error('the end of an attempt could not be delivered', { ...key, reason: describeError(cause) });
    }
  }

  #endReport(error: unknown, order: Order): ResultReport {
    const outcome = order === 'start' ? outcomeOfError(error) : outcomeOf(order);
    return {
      worker_id: this.#options.workerId,
      outcome,
      result: null,
      error: order === 'start' ? reportedError(error) : null,
      provenance: null,
    };
  }
}

/** What is wanted of an attempt that has not begun; `report`: its end is on the way already. */
type Order = 'start' | 'cancel' | 'release' | 'drop' | 'report';

interface Starting {
  readonly grant: Grant;
  deadlineBootMs: number;
  stop: AbortController;
  order: Order;
  done: Promise<void>;
}

function outcomeOf(order: Order): 'cancelled' | 'released' {
  return order === 'release' ? 'released' : 'cancelled';
}

/** A full disk is trouble of this node: another one may do the work, and none of its attempts is used up. */
function outcomeOfError(error: unknown): 'failed' | 'lost' {
  return error instanceof Fault && error.code === 'disk_full' ? 'lost' : 'failed';
}

function reportedError(error: unknown): NonNullable<ResultReport['error']> {
  const fault = error instanceof Fault ? error : undefined;
  return {
    code: fault?.code ?? 'internal',
    message: describeError(error).slice(0, 4000),
    retryable: fault?.retryable ?? false,
    ...(fault?.hint === undefined ? {} : { hint: fault.hint.slice(0, 1000) }),
  };
}
