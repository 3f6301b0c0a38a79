import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { jobSpecSchema } from '#agent/contract/job';
import type { ExitRecord, JobSpec, ShimOptions } from '#agent/contract/job';
import type { AttemptKey } from '#agent/contract/lease';
import { attemptFiles, attemptName, readJsonFile, replaceFile } from '#agent/worker/attempt-files';
import type { Clock } from '#agent/kit/clock';
import { describeError, errorCode, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { AttemptFollower } from './attempt-follower';
import type { Delivery } from './delivery';
import { binarySha256 } from './provenance';
import { ShimPool } from './shim-pool';
import type { PooledShim } from './shim-pool';

export interface SupervisorOptions {
  /** Holds shims/ and attempts/; short, since a socket's path ends at 107 bytes, and local. */
  runtimeDir: string;
  /** How many attempts may run now. */
  slots: () => number;
  worker: { id: string; name: string };
  delivery: Delivery;
  clock: Clock;
  log: Log;
  /** Of the agent: jobs get a few names of it, never its secrets. */
  environment: Readonly<Record<string, string | undefined>>;
  /** How this program is started, before `__job` or `__run`; from source with the path of main.ts. */
  program: readonly string[];
  /** An attempt ended badly, and nobody asked for that: the cause may lie in this host. */
  onFailed?: (key: AttemptKey) => void;
  /** For tests, and for hosts that want other times. */
  shim?: Partial<ShimOptions>;
}

/** The agent's side of all attempts on this host: starts shims, follows their files, delivers. */
export interface Supervisor extends AsyncDisposable {
  /** Attempts running, or finished and not yet delivered: what heartbeats list as held. */
  held(): AttemptKey[];
  freeSlots(): number;
  /**
   * Resolves when the attempt is held; how it goes on is reported. Repeating an attempt that is held
   * does nothing. Rejects with a Fault, and holds nothing, when its files cannot be written.
   */
  start(job: Omit<JobSpec, 'attempt_dir'>, deadlineBootMs: number): Promise<void>;
  renewed(key: AttemptKey, deadlineBootMs: number): void;
  cancel(key: AttemptKey, outcome: 'cancelled' | 'released', reason: string): void;
  /**
   * `release` gives all work back, delivers that for up to 20 s, and ends every process of this host's
   * jobs. Otherwise jobs run on, for the next agent to find.
   */
  close(options: { release: boolean }): Promise<void>;
}

const RELEASE_MS = 20_000;
/** Ended attempts that wait for the control plane, for each slot, before no more work is taken. */
const UNDELIVERED_PER_SLOT_MAX = 4;

export class AttemptSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #attemptsDir: string;
  readonly #pool: ShimPool;
  readonly #followers = new Map<string, AttemptFollower>();
  readonly #running = new Map<string, PooledShim>();
  #closing: Promise<void> | undefined;

  private constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#attemptsDir = join(options.runtimeDir, 'attempts');
    const [program, ...rest] = options.program;
    if (program === undefined) throw new Fault('settings', 'Cannot start jobs: no program is set');
    this.#pool = new ShimPool({
      shimsDir: join(options.runtimeDir, 'shims'),
      idleMax: options.slots,
      command: [program, ...rest, '__job'],
      options: { ...SHIM_DEFAULTS, workload_command: [program, ...rest, '__run'], ...options.shim },
      environment: options.environment,
      clock: options.clock,
      log: options.log,
      onMessage: (shim, message) => this.#followerOf(shim)?.hear(message),
      onReconnected: (shim) => this.#reattach(shim),
      onDead: (shim, reason) => this.#followerOf(shim)?.lost(reason),
    });
    // Started now, so that the first result need not wait for it.
    void binarySha256();
  }

  /** Finds what an earlier agent left: goes on with what runs, delivers what ended, reports what was lost. */
  static async open(options: SupervisorOptions): Promise<AttemptSupervisor> {
    const supervisor = new AttemptSupervisor(options);
    mkdirSync(supervisor.#attemptsDir, { recursive: true, mode: 0o700 });
    await supervisor.#recover();
    return supervisor;
  }

  held(): AttemptKey[] {
    return [...this.#followers.values()].map((follower) => follower.key);
  }

  freeSlots(): number {
    const followers = [...this.#followers.values()];
    const running = followers.filter((follower) => !follower.hasEnded).length;
    const undelivered = followers.length - running;
    if (this.#closing !== undefined || undelivered >= this.#options.slots() * UNDELIVERED_PER_SLOT_MAX)
      return 0;
    return Math.max(0, this.#options.slots() - running);
  }

  async start(work: Omit<JobSpec, 'attempt_dir'>, deadlineBootMs: number): Promise<void> {
    if (this.#closing !== undefined) {
      throw new Fault('unavailable', 'Cannot start the attempt: the agent stops');
    }
    const name = attemptName(work.grant);
    if (this.#followers.has(name)) return;
    const job: JobSpec = { ...work, attempt_dir: join(this.#attemptsDir, name) };
    writeJob(job);
    const follower = this.#follow(job);
    void this.#launch(follower, deadlineBootMs);
  }

  renewed(key: AttemptKey, deadlineBootMs: number): void {
    this.#followers.get(attemptName(key))?.renewed(deadlineBootMs);
  }

  cancel(key: AttemptKey, outcome: 'cancelled' | 'released', reason: string): void {
    this.#followers.get(attemptName(key))?.cancel(outcome, reason);
  }

  close({ release }: { release: boolean }): Promise<void> {
    this.#closing ??= this.#close(release);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ release: true });
  }

  async #close(release: boolean): Promise<void> {
    const followers = [...this.#followers.values()];
    if (release) {
      for (const follower of followers) follower.cancel('released', 'the agent stops');
      const all = Promise.all(followers.map((follower) => follower.done));
      await Promise.race([all, this.#options.clock.sleep(RELEASE_MS)]);
    }
    for (const follower of followers) follower.abandon();
    await Promise.all(followers.map((follower) => follower.done));
    await this.#pool.close({ release });
  }

  #follow(job: JobSpec): AttemptFollower {
    const { delivery, worker, clock, log } = this.#options;
    const name = attemptName(job.grant);
    const follower = new AttemptFollower(job, {
      delivery,
      worker,
      clock,
      log,
      onEnded: (outcome) => {
        this.#freeShim(name);
        if (outcome !== undefined && !WANTED.has(outcome)) this.#options.onFailed?.(follower.key);
      },
    });
    this.#followers.set(name, follower);
    void this.#forgetWhenDone(follower);
    return follower;
  }

  async #forgetWhenDone(follower: AttemptFollower): Promise<void> {
    const end = await follower.done;
    this.#followers.delete(follower.name);
    this.#options.log.info('an attempt is done', { attempt: follower.name, end });
  }

  async #launch(follower: AttemptFollower, deadlineBootMs: number): Promise<void> {
    try {
      const shim = await this.#pool.take();
      if (this.#closing !== undefined) {
        this.#pool.giveBack(shim);
        follower.lost('the agent stopped before the job started');
        return;
      }
      this.#running.set(follower.name, shim);
      shim.send({ type: 'start', job: follower.job, deadline_boot_ms: deadlineBootMs });
      follower.attach((message) => shim.send(message));
    } catch (error) {
      follower.lost(`Cannot start the process of the job: ${describeError(error)}`);
    }
  }

  /** What was sent into a connection that broke may not have arrived. */
  #reattach(shim: PooledShim): void {
    const follower = this.#followerOf(shim);
    if (follower === undefined) return;
    const attempt = shim.link.state.attempt;
    if (attempt !== null && attemptName(attempt) === follower.name)
      follower.attach((message) => shim.send(message));
    else follower.lost('its shim lost the connection before the job started');
  }

  #followerOf(shim: PooledShim): AttemptFollower | undefined {
    for (const [name, running] of this.#running) if (running === shim) return this.#followers.get(name);
    return undefined;
  }

  #freeShim(name: string): void {
    const shim = this.#running.get(name);
    if (shim === undefined) return;
    this.#running.delete(name);
    this.#pool.giveBack(shim);
  }

  async #recover(): Promise<void> {
    const { log } = this.#options;
    const shims = await this.#pool.recover();
    for (const shim of shims) {
      const attempt = shim.link.state.attempt;
      if (attempt === null) continue;
      const job = readJsonFile(attemptFiles(attempt.attempt_dir).job, jobSpecSchema);
      if (job === undefined) {
        log.warn('a shim runs an attempt without a job file: it is stopped', { shim: shim.id });
        this.#pool.discard(shim);
        continue;
      }
      log.info('found a running attempt again', { attempt: attemptName(attempt), shim: shim.id });
      const follower = this.#follow(job);
      this.#running.set(follower.name, shim);
      const { progress } = shim.link;
      if (progress !== null) follower.hear({ type: 'progress', attempt: follower.key, progress });
      follower.attach((message) => shim.send(message));
    }
    for (const shim of shims) if (shim.link.state.attempt === null) this.#pool.giveBack(shim);
    for (const name of readdirSync(this.#attemptsDir)) this.#recoverAttempt(name);
  }

  /** No shim runs it: it has ended, or was lost with its shim, or never began. */
  #recoverAttempt(name: string): void {
    if (this.#followers.has(name)) return;
    const attemptDir = join(this.#attemptsDir, name);
    const job = readJsonFile(attemptFiles(attemptDir).job, jobSpecSchema);
    if (job === undefined) {
      rmSync(attemptDir, { recursive: true, force: true });
      return;
    }
    this.#follow({ ...job, attempt_dir: attemptDir }).lost('no process runs it any more');
  }
}

const WANTED: ReadonlySet<ExitRecord['outcome']> = new Set(['completed', 'cancelled', 'released']);

const HOUR_MS = 3_600_000;
const SHIM_DEFAULTS: Omit<ShimOptions, 'workload_command'> = {
  idle_ms: 60_000,
  orphan_ms: 24 * HOUR_MS,
  cancel_grace_ms: 2_000,
  ready_ms: 30_000,
};

function writeJob(job: JobSpec): void {
  try {
    mkdirSync(job.attempt_dir, { mode: 0o700 });
    replaceFile(attemptFiles(job.attempt_dir).job, JSON.stringify(job), { durable: false });
  } catch (cause) {
    rmSync(job.attempt_dir, { recursive: true, force: true });
    const isFull = errorCode(cause) === 'ENOSPC';
    const state = isFull ? 'the disk is full' : (errorCode(cause) ?? 'its files cannot be written');
    throw new Fault(isFull ? 'disk_full' : 'environment', `Cannot start the attempt: ${state}`, {
      cause,
      hint: `look at ${job.attempt_dir}`,
    });
  }
}
