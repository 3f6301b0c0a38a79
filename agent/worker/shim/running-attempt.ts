import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { ExitRecord, JobSpec, SpooledUnit } from '#agent/contract/job';
import type { AttemptKey } from '#agent/contract/lease';
import type { Progress } from '#agent/contract/operation';
import { attemptFiles, replaceFile } from '#agent/worker/attempt-files';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { AttemptLog } from './attempt-log';

/** How an attempt ends, before it is written down. */
export interface Ending {
  outcome: ExitRecord['outcome'];
  error: ExitRecord['error'];
  exitCode?: number | null;
  signal?: string | null;
  resultSha256?: string;
}

/** Kinds with outside effects stop so long before their lease ends. */
export const EFFECTS_MARGIN_MS = 5_000;
const UNIT_LINE_LENGTH_MAX = 65_536;
const STDERR_LINES_KEPT = 20;

/** What the shim holds of the attempt it runs: its files, its clock, and how it was told to end. */
export class RunningAttempt {
  readonly job: JobSpec;
  readonly key: AttemptKey;
  readonly log: AttemptLog;
  /** The first ending decides. */
  readonly ending = Promise.withResolvers<Ending>();
  /** Aborts when the attempt is over, to end its timers. */
  readonly over = new AbortController();
  deadlineBootMs: number;
  progress: Progress | null = null;
  /** Set once somebody wants the attempt to end; it decides the outcome, whatever the workload answers. */
  stopping: Ending | undefined;
  readonly #files;
  readonly #clock: Clock;
  readonly #unitsFd: number;
  readonly #startedBootMs: number;
  readonly #stderr: string[] = [];
  #units = 0;

  constructor(job: JobSpec, deadlineBootMs: number, clock: Clock) {
    this.job = job;
    this.key = { operation_id: job.grant.operation_id, epoch: job.grant.epoch };
    this.deadlineBootMs = deadlineBootMs;
    this.#clock = clock;
    this.#files = attemptFiles(job.attempt_dir);
    this.#unitsFd = openSync(this.#files.units, 'a', 0o600);
    this.log = new AttemptLog(job.attempt_dir, clock);
    this.#startedBootMs = clock.bootMs();
  }

  printed(stream: 'stdout' | 'stderr', line: string): void {
    this.log.append(stream, line);
    if (stream === 'stdout') return;
    this.#stderr.push(line.slice(0, 500));
    if (this.#stderr.length > STDERR_LINES_KEPT) this.#stderr.shift();
  }

  /** In the page cache, and so safe from the death of any process, when this returns. */
  spool(units: readonly SpooledUnit[]): void {
    const lines = units.map((unit) => `${JSON.stringify(unit)}\n`);
    const longest = Math.max(...lines.map((line) => line.length));
    if (longest > UNIT_LINE_LENGTH_MAX) {
      throw new Fault('too_large', `Cannot store the result of a unit: it has ${longest} characters`);
    }
    writeSync(this.#unitsFd, lines.join(''));
    this.#units += units.length;
  }

  storeResult(resultJson: string): void {
    replaceFile(this.#files.result, resultJson, { durable: true });
  }

  /** Why the attempt must be killed now, if it must. */
  expired(): Ending | undefined {
    const nowMs = this.#clock.bootMs();
    const { timeout_ms: timeoutMs } = this.job.grant;
    if (nowMs - this.#startedBootMs >= timeoutMs) {
      const message = `Cannot finish the job: no end after ${timeoutMs / 1000} s`;
      return { outcome: 'timed_out', error: { code: 'timeout', message, retryable: true } };
    }
    const effectsEndMs = this.deadlineBootMs - EFFECTS_MARGIN_MS;
    if (this.job.lease_policy === 'effects' && nowMs >= effectsEndMs) {
      const message = 'Cannot go on with the job: its lease expired, and it has effects outside';
      return { outcome: 'lost', error: { code: 'lease_expired', message, retryable: true } };
    }
    return undefined;
  }

  crashed(exit: { exitCode: number | null; signal: string | null }): Ending {
    const how =
      exit.signal === null ? `it exited with code ${exit.exitCode}` : `it was ended by ${exit.signal}`;
    const printed = this.#stderr.length === 0 ? '' : `\n${this.#stderr.join('\n')}`;
    const message = `Cannot finish the job: its process died, ${how}${printed}`.slice(0, 4000);
    return { outcome: 'crashed', error: { code: 'crashed', message, retryable: true }, ...exit };
  }

  /** Writes the end of the attempt, durably and last of all. */
  close(ending: Ending): void {
    this.over.abort();
    fsyncSync(this.#unitsFd);
    closeSync(this.#unitsFd);
    this.log[Symbol.dispose]();
    const record: ExitRecord = {
      outcome: ending.outcome,
      error: ending.error,
      exit_code: ending.exitCode ?? null,
      signal: ending.signal ?? null,
      result_sha256: ending.resultSha256 ?? null,
      build: { ...buildInfo },
      units_spooled: this.#units,
      log_lines: this.log.lines,
      log_lines_dropped: this.log.dropped,
      ended_at: new Date(this.#clock.nowMs()).toISOString(),
    };
    replaceFile(this.#files.exit, JSON.stringify(record), { durable: true });
  }
}
