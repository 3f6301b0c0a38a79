import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { exitRecordSchema, spooledUnitSchema } from '#agent/contract/job';
import type { AgentToShim, ExitRecord, JobSpec, ShimToAgent, SpooledUnit } from '#agent/contract/job';
import { LOG_LINES_PER_REPORT_MAX, UNITS_PER_REPORT_MAX } from '#agent/contract/lease';
import type { AttemptKey, ResultReport } from '#agent/contract/lease';
import type { Progress } from '#agent/contract/operation';
import { attemptFiles, attemptName, readJsonFile, replaceFile } from '#agent/worker/attempt-files';
import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import type { Delivery, DeliveryVerdict } from './delivery';
import { FileTail } from './file-tail';
import { LogTail } from './log-tail';
import { provenanceOf } from './provenance';

export interface FollowerOptions {
  delivery: Delivery;
  worker: { id: string; name: string };
  clock: Clock;
  log: Log;
  /** The attempt has ended and its shim is free; called once. */
  onEnded: (outcome: ExitRecord['outcome'] | undefined) => void;
}

/** Without an event from the shim the files are looked at so often. */
const POLL_MS = 1_000;
/** Units and progress that come in quick succession travel together. */
const UNITS_LINGER_MS = 200;
const PROGRESS_LINGER_MS = 500;
const LOG_LINGER_MS = 1_000;
/** The last lines of a log may take so long after the result. */
const LOG_DRAIN_MS = 5_000;

/** `abandoned`: the agent closes; the files stay, and the next agent goes on. */
export type FollowerEnd = 'delivered' | 'stale' | 'refused' | 'abandoned';

/** Brings what one attempt leaves in its files to the control plane, in order, and removes the files. */
export class AttemptFollower {
  readonly key: AttemptKey;
  readonly name: string;
  readonly job: JobSpec;
  readonly done: Promise<FollowerEnd>;
  readonly #options: FollowerOptions;
  readonly #files;
  readonly #units: FileTail;
  readonly #abort = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #exit: ExitRecord | undefined;
  #send: ((message: AgentToShim) => void) | undefined;
  #deadlineBootMs: number | undefined;
  #cancelled: Extract<AgentToShim, { type: 'cancel' }> | undefined;
  #progress: Progress | undefined;
  #progressed = Promise.withResolvers<void>();
  #isStale = false;
  /** The control plane will never take the units: what it refused, as the end of the attempt. */
  #refusal: ExitRecord['error'] = null;
  #wake = Promise.withResolvers<void>();

  constructor(job: JobSpec, options: FollowerOptions) {
    this.job = job;
    this.key = { operation_id: job.grant.operation_id, epoch: job.grant.epoch };
    this.name = attemptName(this.key);
    this.#options = options;
    this.#files = attemptFiles(job.attempt_dir);
    this.#units = new FileTail(this.#files.units);
    void this.#ended.promise.then(() => options.onEnded(this.#exit?.outcome));
    this.#noticeEnd();
    this.done = this.#follow();
  }

  get hasEnded(): boolean {
    return this.#exit !== undefined;
  }

  /** From now on a shim runs this attempt, and hears of what was decided before. */
  attach(send: (message: AgentToShim) => void): void {
    this.#send = send;
    if (this.#cancelled !== undefined) send(this.#cancelled);
    else if (this.#deadlineBootMs !== undefined) this.renewed(this.#deadlineBootMs);
    this.#wake.resolve();
  }

  hear(message: Exclude<ShimToAgent, { type: 'hello' }>): void {
    if (message.type === 'progress') {
      this.#progress = message.progress;
      this.#progressed.resolve();
    }
    if (message.type === 'refused') this.lost(message.message);
    // Here too, since a report may keep the loop below waiting while the shim is free again.
    if (message.type === 'ended') this.lost('its end was not recorded: the disk may be full');
    this.#wake.resolve();
  }

  renewed(deadlineBootMs: number): void {
    this.#deadlineBootMs = deadlineBootMs;
    this.#send?.({ type: 'lease', attempt: this.key, deadline_boot_ms: deadlineBootMs });
  }

  cancel(outcome: 'cancelled' | 'released', reason: string): void {
    this.#cancelled ??= { type: 'cancel', attempt: this.key, outcome, reason: reason.slice(0, 1000) };
    this.#send?.(this.#cancelled);
  }

  /** Nothing runs this attempt any more: unless it ended before, that is its end. */
  lost(reason: string): void {
    this.#noticeEnd();
    if (this.#exit !== undefined) return;
    const record: ExitRecord = {
      outcome: 'lost',
      error: { code: 'lost', message: reason.slice(0, 4000), retryable: true },
      exit_code: null,
      signal: null,
      result_sha256: null,
      build: null,
      units_spooled: 0,
      log_lines: 0,
      log_lines_dropped: 0,
      ended_at: new Date(this.#options.clock.nowMs()).toISOString(),
    };
    try {
      replaceFile(this.#files.exit, JSON.stringify(record), { durable: true });
    } catch (error) {
      // On a full disk the record lives in memory only: a next agent would find the attempt lost again.
      this.#options.log.warn('cannot record a lost attempt', { ...this.key, reason: describeError(error) });
    }
    this.#setExit(record);
  }

  abandon(): void {
    this.#abort.abort(new Error('the agent closes'));
    this.#wake.resolve();
  }

  async #follow(): Promise<FollowerEnd> {
    const logs = new AbortController();
    const progressing = this.#pumpProgress();
    const logging = this.#pumpLogs(AbortSignal.any([this.#abort.signal, logs.signal]));
    try {
      await this.#pumpUnits();
      await this.#untilEnded();
      const end = await this.#deliverResult();
      await this.#within(LOG_DRAIN_MS, logging);
      rmSync(this.job.attempt_dir, { recursive: true, force: true });
      return end;
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
      return 'abandoned';
    } finally {
      logs.abort();
      await Promise.all([progressing, logging]);
    }
  }

  async #pumpUnits(): Promise<void> {
    for (;;) {
      this.#abort.signal.throwIfAborted();
      // Looked at before the reading: what is read after the end is all there will ever be.
      this.#noticeEnd();
      const isLast = this.#exit !== undefined;
      const units = this.#units.read(UNITS_PER_REPORT_MAX).flatMap(parseUnit);
      if (this.#isStale || this.#refusal !== null) return;
      if (units.length > 0) {
        await this.#deliverUnits(units);
        if (units.length < UNITS_PER_REPORT_MAX) await this.#pause(UNITS_LINGER_MS);
      } else if (isLast) {
        return;
      } else {
        await this.#nextNews();
      }
    }
  }

  async #deliverUnits(units: readonly SpooledUnit[]): Promise<void> {
    try {
      this.#heed(await this.#options.delivery.units(this.key, units, this.#abort.signal));
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      const message = `Cannot deliver the results of units: ${describeError(error)}`.slice(0, 4000);
      this.#refusal = { code: 'internal', message, retryable: false };
      this.cancel('cancelled', message);
    }
  }

  async #deliverResult(): Promise<FollowerEnd> {
    if (this.#isStale) return 'stale';
    const report = await this.#report();
    try {
      const verdict = await this.#options.delivery.result(this.key, report, this.#abort.signal);
      return verdict === 'accepted' ? 'delivered' : 'stale';
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      this.#options.log.error('the result of an attempt is refused', {
        ...this.key,
        reason: describeError(error),
      });
      return 'refused';
    }
  }

  async #report(): Promise<ResultReport> {
    const exit = this.#exit;
    if (exit === undefined) throw new Error('an attempt is reported before its end');
    const { worker } = this.#options;
    const provenance = await provenanceOf(this.job.grant, exit, worker);
    const base = { worker_id: worker.id, result: null, error: exit.error, provenance };
    if (this.#refusal !== null) return { ...base, outcome: 'failed', error: this.#refusal };
    if (exit.outcome !== 'completed') return { ...base, outcome: exit.outcome };
    const result = await readResult(this.#files.result);
    if (result !== undefined) return { ...base, outcome: 'completed', result };
    const message = 'Cannot read the result of the attempt: its file is damaged';
    return { ...base, outcome: 'lost', error: { code: 'lost', message, retryable: true } };
  }

  /** Low priority: one report at a time, always the latest, and an error is no more than a pity. */
  async #pumpProgress(): Promise<void> {
    while (!this.#abort.signal.aborted && this.#exit === undefined) {
      const progress = this.#progress;
      this.#progress = undefined;
      if (progress === undefined) {
        await this.#within(POLL_MS, Promise.race([this.#progressed.promise, this.#ended.promise]));
        this.#progressed = Promise.withResolvers<void>();
        continue;
      }
      await this.#options.delivery
        .progress(this.key, progress, this.#abort.signal)
        .then((verdict) => this.#heed(verdict))
        .catch((error: unknown) => this.#note('progress is not delivered', error));
      await this.#pause(PROGRESS_LINGER_MS);
    }
  }

  async #pumpLogs(signal: AbortSignal): Promise<void> {
    const tail = new LogTail(this.job.attempt_dir);
    for (;;) {
      const isLast = this.#exit !== undefined;
      if (signal.aborted || this.#isStale || !existsSync(this.job.attempt_dir)) return;
      const lines = tail.read(LOG_LINES_PER_REPORT_MAX);
      if (lines.length > 0) {
        await this.#options.delivery
          .logs(this.key, lines, signal)
          .catch((error: unknown) => this.#note('log lines are not delivered', error));
      } else if (isLast) {
        return;
      }
      // A job that floods its log gets a bounded rate; the rest of it is dropped where it is written.
      await this.#pause(LOG_LINGER_MS);
    }
  }

  #heed(verdict: DeliveryVerdict): void {
    if (verdict !== 'stale' || this.#isStale) return;
    this.#isStale = true;
    this.#options.log.info('an attempt is over elsewhere: it is dropped here', { ...this.key });
    this.cancel('cancelled', 'the attempt is over elsewhere');
    this.#wake.resolve();
  }

  #note(message: string, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#options.log.debug(message, { ...this.key, reason: describeError(error) });
  }

  async #untilEnded(): Promise<void> {
    while (this.#exit === undefined) {
      await this.#nextNews();
      this.#abort.signal.throwIfAborted();
      this.#noticeEnd();
    }
  }

  #noticeEnd(): void {
    if (this.#exit !== undefined) return;
    const exit = readJsonFile(this.#files.exit, exitRecordSchema);
    if (exit !== undefined) this.#setExit(exit);
  }

  #setExit(exit: ExitRecord): void {
    this.#exit = exit;
    this.#ended.resolve();
    this.#wake.resolve();
  }

  /** Until the shim says something, the attempt ends, or it is time to look without being told. */
  async #nextNews(): Promise<void> {
    await this.#within(POLL_MS, this.#wake.promise);
    this.#wake = Promise.withResolvers<void>();
  }

  /** Cut short by the end of the attempt, which should be home soon. */
  #pause(delayMs: number): Promise<void> {
    return this.#within(delayMs, this.#ended.promise);
  }

  async #within(delayMs: number, event: Promise<unknown>): Promise<void> {
    const timer = new AbortController();
    const signal = AbortSignal.any([timer.signal, this.#abort.signal]);
    await Promise.race([event, this.#options.clock.sleep(delayMs, signal)]);
    timer.abort();
  }
}

function parseUnit(text: string): SpooledUnit[] {
  try {
    const unit = spooledUnitSchema.safeParse(JSON.parse(text)).data;
    return unit === undefined ? [] : [unit];
  } catch {
    return [];
  }
}

async function readResult(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return z.record(z.string(), z.unknown()).safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
