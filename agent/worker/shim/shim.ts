import { basename } from 'node:path';
import type { AgentToShim, JobSpec, ShimOptions, ShimState, WorkloadToShim } from '#agent/contract/job';
import type { AttemptKey } from '#agent/contract/lease';
import { replaceFile, shimFiles } from '#agent/worker/attempt-files';
import { recordProcess } from '#agent/worker/recorded-process';
import { present, unreachable } from '#agent/kit/assert';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { describeError, errorCode } from '#agent/kit/error';
import { descendants } from '#agent/kit/process';
import { AgentLink } from './agent-link';
import { RunningAttempt } from './running-attempt';
import type { Ending } from './running-attempt';
import { WorkloadProcess } from './workload-process';
import type { WorkloadExit } from './workload-process';

/** How often deadlines are compared with the boot clock, which timers do not follow through a suspend. */
const CHECK_MS = 200;
/** For output that is still in the pipes, and for killed processes to be gone. */
const SETTLE_MS = 2_000;
const PROGRESS_STEP = 'starting';

export interface ShimParts {
  shimDir: string;
  options: ShimOptions;
  clock: Clock;
}

/** Runs one attempt at a time in a workload process, for an agent that may come and go. */
export class Shim implements AsyncDisposable {
  readonly #shimDir: string;
  readonly #options: ShimOptions;
  readonly #clock: Clock;
  readonly #link: AgentLink;
  #attempt: RunningAttempt | undefined;
  #attemptDone: Promise<void> = Promise.resolve();
  #workload: WorkloadProcess | undefined;
  #ready = Promise.withResolvers<void>();
  #idleSinceBootMs: number;
  readonly #stopped = Promise.withResolvers<void>();
  #isStopping = false;

  constructor({ shimDir, options, clock }: ShimParts) {
    this.#shimDir = shimDir;
    this.#options = options;
    this.#clock = clock;
    this.#idleSinceBootMs = clock.bootMs();
    this.#link = new AgentLink(
      {
        hello: () => ({ type: 'hello', state: this.#state(), progress: this.#attempt?.progress ?? null }),
        message: (message) => this.#receive(message),
      },
      clock,
    );
  }

  /** Resolves when the shim has nothing more to do and may exit. */
  async run(): Promise<void> {
    this.#writeState();
    await this.#link.listen(shimFiles(this.#shimDir).socket);
    const stopped = new AbortController();
    void this.#stopped.promise.then(() => stopped.abort());
    while (!stopped.signal.aborted) {
      this.#check();
      await this.#clock.sleep(CHECK_MS, stopped.signal);
    }
  }

  /** Gives back what runs, then ends `run`. */
  stop(reason: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const attempt = this.#attempt;
    if (attempt !== undefined) this.#stopAttempt(attempt, released(reason), 'gently');
    void this.#attemptDone.then(() => this.#stopped.resolve());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#killWorkload();
    await this.#link[Symbol.asyncDispose]();
  }

  #receive(message: AgentToShim): void {
    const attempt = this.#attempt;
    switch (message.type) {
      case 'start':
        this.#start(message.job, message.deadline_boot_ms);
        break;
      case 'lease':
        if (attempt && isSameKey(attempt.key, message.attempt))
          attempt.deadlineBootMs = message.deadline_boot_ms;
        break;
      case 'cancel':
        if (attempt && isSameKey(attempt.key, message.attempt)) {
          const error = {
            code: message.outcome,
            message: message.reason,
            retryable: message.outcome === 'released',
          };
          this.#stopAttempt(attempt, { outcome: message.outcome, error }, 'gently');
        }
        break;
      case 'stop':
        this.stop('the agent stopped this shim');
        break;
      default:
        unreachable(message);
    }
  }

  #start(job: JobSpec, deadlineBootMs: number): void {
    const key = { operation_id: job.grant.operation_id, epoch: job.grant.epoch };
    if (this.#attempt !== undefined || this.#isStopping) {
      const message = this.#isStopping ? 'this shim is stopping' : 'this shim is busy';
      this.#link.send({ type: 'refused', attempt: key, message });
      return;
    }
    const attempt = new RunningAttempt(job, deadlineBootMs, this.#clock);
    this.#attempt = attempt;
    this.#attemptDone = this.#runAttempt(attempt);
  }

  async #runAttempt(attempt: RunningAttempt): Promise<void> {
    try {
      const workload = this.#readyWorkload();
      workload.expectOutput();
      void this.#startWhenReady(attempt, workload);
    } catch (error) {
      attempt.ending.resolve(notStarted(describeError(error)));
    }
    this.#writeState();
    const ending = await attempt.ending.promise;
    await this.#settle(attempt);
    attempt.close(ending);
    this.#attempt = undefined;
    this.#idleSinceBootMs = this.#clock.bootMs();
    this.#writeState();
    this.#link.send({ type: 'ended', attempt: attempt.key });
  }

  async #startWhenReady(attempt: RunningAttempt, workload: WorkloadProcess): Promise<void> {
    const late = this.#clock.sleep(this.#options.ready_ms, attempt.over.signal).then(() => 'late');
    const first = await Promise.race([this.#ready.promise, late, attempt.ending.promise]);
    if (attempt.over.signal.aborted || first !== undefined) {
      if (first === 'late')
        this.#stopAttempt(
          attempt,
          notStarted(`it was not ready after ${this.#options.ready_ms / 1000} s`),
          'at once',
        );
      return;
    }
    if (attempt.stopping !== undefined) {
      attempt.ending.resolve(attempt.stopping);
      return;
    }
    const { kind, parameters, units, bars } = attempt.job.grant;
    attempt.log.append('system', `${PROGRESS_STEP} ${kind} in process ${workload.pid}`);
    workload.send({ type: 'run', kind, parameters, units, bars, bars_path: attempt.job.bars_path });
  }

  #readyWorkload(): WorkloadProcess {
    const current = this.#workload;
    if (current?.isAlive) return current;
    this.#ready = Promise.withResolvers<void>();
    const workload: WorkloadProcess = new WorkloadProcess(this.#options.workload_command, {
      message: (message) => this.#heard(message),
      unreadable: (problem) =>
        this.#failAttempt('internal', `the workload sent what is no message: ${problem}`),
      line: (stream, line) => this.#attempt?.printed(stream, line),
      exit: (exit) => this.#exited(exit),
    });
    this.#workload = workload;
    return workload;
  }

  #heard(message: WorkloadToShim): void {
    if (message.type === 'ready') {
      this.#ready.resolve();
      return;
    }
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    try {
      this.#apply(attempt, message);
    } catch (error) {
      const code = errorCode(error) === 'ENOSPC' ? 'disk_full' : 'internal';
      this.#failAttempt(code, `Cannot store what the job reports: ${describeError(error)}`);
    }
  }

  #apply(attempt: RunningAttempt, message: Exclude<WorkloadToShim, { type: 'ready' }>): void {
    switch (message.type) {
      case 'progress':
        attempt.progress = message.progress;
        this.#link.send({ type: 'progress', attempt: attempt.key, progress: message.progress });
        break;
      case 'units':
        if (message.units.length === 0) break;
        attempt.spool(message.units);
        this.#workload?.send({ type: 'spooled', units: message.units.length });
        this.#link.send({ type: 'spooled', attempt: attempt.key });
        break;
      case 'completed':
        // Work that is done need not be given back; a cancellation means that nobody wants it.
        if (attempt.stopping?.outcome === 'cancelled') {
          attempt.ending.resolve(attempt.stopping);
          break;
        }
        attempt.storeResult(message.result_json);
        attempt.ending.resolve({ outcome: 'completed', error: null, resultSha256: message.result_sha256 });
        break;
      case 'failed':
        attempt.ending.resolve(attempt.stopping ?? { outcome: 'failed', error: message.error });
        break;
      default:
        unreachable(message);
    }
  }

  #exited(exit: WorkloadExit): void {
    this.#ready.resolve();
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    attempt.ending.resolve(attempt.stopping ? { ...attempt.stopping, ...exit } : attempt.crashed(exit));
  }

  #failAttempt(code: string, message: string): void {
    if (this.#attempt === undefined) return;
    const error = { code, message: message.slice(0, 4000), retryable: code === 'disk_full' };
    this.#stopAttempt(this.#attempt, { outcome: 'failed', error }, 'at once');
  }

  #stopAttempt(attempt: RunningAttempt, ending: Ending, how: 'gently' | 'at once'): void {
    if (attempt.stopping !== undefined && how === 'gently') return;
    attempt.stopping ??= ending;
    attempt.log.append('system', `stopping: ${ending.error?.message ?? ending.outcome}`);
    if (how === 'at once') this.#workload?.kill('SIGKILL');
    else void this.#escalate(attempt);
  }

  async #escalate(attempt: RunningAttempt): Promise<void> {
    const { signal } = attempt.over;
    this.#workload?.send({ type: 'cancel' });
    for (const next of ['SIGTERM', 'SIGKILL'] as const) {
      await this.#clock.sleep(this.#options.cancel_grace_ms, signal);
      if (signal.aborted) return;
      this.#workload?.kill(next);
    }
  }

  /** Waits for the last output, and sees to it that nothing the job started stays behind. */
  async #settle(attempt: RunningAttempt): Promise<void> {
    const workload = this.#workload;
    if (workload === undefined) return;
    if (workload.isAlive) {
      await Promise.race([workload.outputEnded(), this.#clock.sleep(SETTLE_MS)]);
      const left = descendants(process.pid).filter((pid) => pid !== workload.pid);
      if (left.length === 0) return;
      attempt.log.append('system', `ending ${left.length} processes that the job left behind`);
    }
    await this.#killWorkload();
    await Promise.race([workload.outputEnded(), this.#clock.sleep(SETTLE_MS)]);
  }

  async #killWorkload(): Promise<void> {
    const deadlineMs = this.#clock.bootMs() + SETTLE_MS;
    while (descendants(process.pid).length > 0 && this.#clock.bootMs() < deadlineMs) {
      this.#workload?.kill('SIGKILL');
      await this.#clock.sleep(5);
    }
    this.#workload = undefined;
  }

  #check(): void {
    const awayMs = this.#link.awayMs();
    const attempt = this.#attempt;
    if (attempt === undefined) {
      const idleMs = Math.min(awayMs, this.#clock.bootMs() - this.#idleSinceBootMs);
      if (idleMs >= this.#options.idle_ms) this.stop('idle');
      return;
    }
    if (awayMs >= this.#options.orphan_ms) this.stop('no agent came back for this work');
    const expired = attempt.stopping === undefined ? attempt.expired() : undefined;
    if (expired !== undefined) this.#stopAttempt(attempt, expired, 'at once');
  }

  #state(): ShimState {
    const attempt = this.#attempt;
    return {
      shim_id: basename(this.#shimDir),
      build: { ...buildInfo },
      shim: present(recordProcess(process.pid), 'the identity of this process'),
      workload: this.#workload?.isAlive ? (this.#workload.identity ?? null) : null,
      attempt: attempt === undefined ? null : { ...attempt.key, attempt_dir: attempt.job.attempt_dir },
    };
  }

  #writeState(): void {
    replaceFile(shimFiles(this.#shimDir).state, JSON.stringify(this.#state()), { durable: false });
  }
}

function isSameKey(a: AttemptKey, b: AttemptKey): boolean {
  return a.operation_id === b.operation_id && a.epoch === b.epoch;
}

function released(reason: string): Ending {
  return { outcome: 'released', error: { code: 'released', message: reason, retryable: true } };
}

function notStarted(state: string): Ending {
  const message = `Cannot start the process of the job: ${state}`.slice(0, 4000);
  return { outcome: 'crashed', error: { code: 'crashed', message, retryable: true } };
}
