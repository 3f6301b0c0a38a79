import { readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { z } from 'zod';
import type { Clock } from '#agent/kit/clock';
import { describeError, errorCode, Fault } from '#agent/kit/error';
import { readLockHolder, tryLock, type FileLock } from '#agent/kit/flock';
import type { Log } from '#agent/kit/log';
import { isSameProcess, processIdentity, type ProcessIdentity } from '#agent/kit/process';
import { prepareDataDirectory, ROLE, serverFault } from './data-directory';
import { prepareDirectories, type Directories, type ServerUser } from './directories';
import { installPostgres, type Installation } from './install';
import * as postmaster from './postmaster';

export interface EmbeddedOptions {
  /** Holds the database; must survive. */
  stateDir: string;
  /** Holds the socket; its path must be short. */
  runtimeDir: string;
  /** Holds the unpacked server; may be lost. */
  cacheDir: string;
  /** Who the server runs as when this process is root, which PostgreSQL refuses to be. */
  user?: { uid: number; gid: number };
  log: Log;
  clock: Clock;
  /** Called after the server died and runs again; connections must be made anew. */
  onRestart?: (event: { outageMs: number }) => void;
}

/** Where the embedded server listens, and as whom to log in. */
export interface SocketAddress {
  path: string;
  user: string;
  database: string;
}

/**
 * Starts the PostgreSQL server that this binary carries, or adopts the one that an earlier control plane,
 * which was killed, left running on the same directory. It is supervised until `stop()`.
 * Fault(in_use) names the control plane that holds the directory; Fault(environment) and Fault(disk_full)
 * name what is wrong with a directory, and the setting.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const user = serverUser(options.user);
  const directories = await prepareDirectories(options, user);
  // /proc shows real paths, by which a running server is recognised.
  directories.state = await realpath(directories.state);
  directories.data = join(directories.state, 'postgres');
  const lock = await lockDirectory(directories, options.clock);
  try {
    const installation = await installPostgres(directories.cache, options.clock);
    const machine = { directories, installation, user, clock: options.clock, log: options.log };
    const { identity, adopted } = await adoptOrStart(machine);
    return new EmbeddedServer(machine, { identity, adopted, lock, onRestart: options.onRestart });
  } catch (error) {
    lock.release();
    throw error;
  }
}

const POLL_MS = 200;
/** Recovery after a power cut replays at most max_wal_size, which a slow disk does within this. */
const READY_MS = 120_000;
const RESTART_DELAY_MS_MIN = 100;
const RESTART_DELAY_MS_MAX = 30_000;
/** A server that lived this long was not killed by what killed it before. */
const STABLE_MS = 60_000;
const LOG_CHECK_MS = 60_000;

interface Machine {
  directories: Directories;
  installation: Installation;
  user: ServerUser;
  clock: Clock;
  log: Log;
}

export class EmbeddedServer implements AsyncDisposable {
  readonly address: SocketAddress;
  /** Whether it was already running when this process came. */
  readonly adopted: boolean;
  readonly #machine: Machine;
  readonly #lock: FileLock;
  readonly #onRestart: ((event: { outageMs: number }) => void) | undefined;
  readonly #stopping = new AbortController();
  readonly #supervision: Promise<void>;
  #identity: ProcessIdentity;
  #stopped: Promise<void> | undefined;

  constructor(
    machine: Machine,
    start: {
      identity: ProcessIdentity;
      adopted: boolean;
      lock: FileLock;
      onRestart: ((event: { outageMs: number }) => void) | undefined;
    },
  ) {
    this.#machine = machine;
    this.#identity = start.identity;
    this.#lock = start.lock;
    this.#onRestart = start.onRestart;
    this.adopted = start.adopted;
    this.address = addressOf(machine.directories);
    this.#supervision = this.#supervise();
  }

  /** The postmaster; another one after a restart. */
  get identity(): ProcessIdentity {
    return this.#identity;
  }

  /** Writes down where this control plane answers, for the message to a second one on the same directory. */
  async announce(url: string): Promise<void> {
    const text = JSON.stringify({ pid: process.pid, url });
    await writeFile(announcementPath(this.#machine.directories), text, { mode: 0o600 });
  }

  /** Stops the server and lets go of the directory; safe to call twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#supervision;
    const { directories, clock, log } = this.#machine;
    try {
      await postmaster.stopPostmaster(this.#identity, directories, { clock, log });
    } finally {
      this.#lock.release();
    }
  }

  async #supervise(): Promise<void> {
    const { clock, log } = this.#machine;
    let failures = 0;
    for (let startedMs = clock.bootMs(); ; startedMs = clock.bootMs()) {
      await this.#untilDead();
      if (this.#stopping.signal.aborted) return;
      const diedMs = clock.bootMs();
      if (diedMs - startedMs > STABLE_MS) failures = 0;
      log.error('PostgreSQL died and is started again', { pid: this.#identity.pid });
      for (; !(await this.#restart()) && !this.#stopping.signal.aborted; failures++) {
        await clock.sleep(restartDelayMs(failures), this.#stopping.signal);
      }
      if (this.#stopping.signal.aborted) return;
      const outageMs = Math.round(clock.bootMs() - diedMs);
      log.warn('PostgreSQL runs again', { pid: this.#identity.pid, outageMs });
      this.#onRestart?.({ outageMs });
      await clock.sleep(restartDelayMs(failures++), this.#stopping.signal);
    }
  }

  /** An adopted server is not our child, so its death is seen by looking. */
  async #untilDead(): Promise<void> {
    const { clock, directories } = this.#machine;
    let checkedMs = clock.bootMs();
    while (!this.#stopping.signal.aborted && isSameProcess(this.#identity)) {
      await clock.sleep(POLL_MS, this.#stopping.signal);
      if (clock.bootMs() - checkedMs < LOG_CHECK_MS) continue;
      checkedMs = clock.bootMs();
      await postmaster.boundLog(directories).catch(() => undefined);
    }
  }

  async #restart(): Promise<boolean> {
    const { directories, clock, log } = this.#machine;
    try {
      await postmaster.endLeftovers(directories, clock);
      this.#identity = await startServer(this.#machine, this.#stopping.signal);
      return true;
    } catch (error) {
      if (!this.#stopping.signal.aborted) log.error(describeError(error));
      return false;
    }
  }
}

function restartDelayMs(failures: number): number {
  return Math.min(RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_MIN * 2 ** Math.min(failures, 16));
}

function serverUser(user: { uid: number; gid: number } | undefined): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  if (user !== undefined && user.uid !== 0) return user;
  throw new Fault('environment', 'Cannot start PostgreSQL: it refuses to run as root', {
    hint: 'set run_as to an unprivileged user, or start ktrdr-agent as one',
  });
}

async function adoptOrStart(machine: Machine): Promise<{ identity: ProcessIdentity; adopted: boolean }> {
  const { directories, installation, user, clock, log } = machine;
  const running = await postmaster.findPostmaster(directories);
  if (running !== undefined && (await postmaster.isCurrent(running, directories, installation))) {
    await prepareDataDirectory(directories, installation, user);
    postmaster.signalPostmaster(running, 'SIGHUP');
    const fromByte = await postmaster.logSize(directories);
    await untilReady(machine, { identity: running, fromByte });
    log.info('adopted the running PostgreSQL', { pid: running.pid });
    return { identity: running, adopted: true };
  }
  if (running !== undefined) {
    log.warn('stopping a PostgreSQL of another version or with other settings', { pid: running.pid });
    await postmaster.stopPostmaster(running, directories, { clock, log });
  } else {
    await postmaster.endLeftovers(directories, clock);
  }
  await prepareDataDirectory(directories, installation, user);
  return { identity: await startServer(machine), adopted: false };
}

async function startServer(machine: Machine, signal?: AbortSignal): Promise<ProcessIdentity> {
  const { directories, installation, user, clock, log } = machine;
  const fromByte = await postmaster.logSize(directories);
  const identity = await postmaster.spawnPostmaster(directories, installation, user);
  try {
    await untilReady(machine, { identity, fromByte, ...(signal === undefined ? {} : { signal }) });
    await postmaster.recordPostmaster(directories, identity);
    return processIdentity(identity.pid) ?? identity;
  } catch (error) {
    await postmaster.stopPostmaster(identity, directories, { clock, log });
    throw error;
  }
}

async function untilReady(
  { directories, clock }: Machine,
  { identity, fromByte, signal }: { identity: ProcessIdentity; fromByte: number; signal?: AbortSignal },
): Promise<void> {
  const deadlineMs = clock.bootMs() + READY_MS;
  for (;;) {
    signal?.throwIfAborted();
    if (!isSameProcess(identity)) {
      const output = await postmaster.readLogTail(directories, fromByte);
      throw serverFault('Cannot start PostgreSQL', output);
    }
    try {
      await ensureDatabase(addressOf(directories));
      return;
    } catch (cause) {
      if (!isStarting(cause)) throw cause;
      if (clock.bootMs() > deadlineMs) {
        throw new Fault('timeout', `Cannot start PostgreSQL: not ready after ${READY_MS / 1000} s`, {
          cause,
          hint: `see ${postmaster.logPath(directories)}`,
        });
      }
    }
    await clock.sleep(20, signal);
  }
}

/** 57P03 is "the database system is starting up" (or shutting down). */
function isStarting(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  return ['57P03', 'ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'CONNECTION_CLOSED'].includes(code);
}

async function ensureDatabase({ path, user, database }: SocketAddress): Promise<void> {
  const sql = postgres({ path, user, database: 'postgres', max: 1, fetch_types: false, connect_timeout: 10 });
  try {
    const found = await sql`select 1 from pg_database where datname = ${database}`;
    if (found.length === 0) await sql`create database ${sql(database)}`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function addressOf(directories: Directories): SocketAddress {
  return { path: directories.socketPath, user: ROLE, database: ROLE };
}

/** The lock file belongs to this process; PostgreSQL does not inherit it, so it ends with the control plane. */
async function lockDirectory(directories: Directories, clock: Clock): Promise<FileLock> {
  const path = join(directories.state, 'control.lock');
  const lock = tryLock(path);
  if (lock !== undefined) return lock;
  let holder = readLockHolder(path);
  // The holder may be writing itself in at this moment.
  for (let attempt = 0; holder === undefined && attempt < 5; attempt++) {
    await clock.sleep(20);
    holder = readLockHolder(path);
  }
  const url = holder === undefined ? undefined : await readAnnouncement(directories, holder.pid);
  const since = holder === undefined ? '' : ` started at ${new Date(holder.sinceMs).toISOString()}`;
  const who = holder === undefined ? 'another control plane' : `the control plane pid ${holder.pid}${since}`;
  const where = url === undefined ? '' : ` on ${url}`;
  throw new Fault('in_use', `Cannot use ${directories.state}: ${who}${where} holds it`, {
    hint: 'stop that one, or set state_dir to another directory',
    details: { directory: directories.state, pid: holder?.pid, sinceMs: holder?.sinceMs, url },
  });
}

const announcementSchema = z.object({ pid: z.int(), url: z.string().max(2_000) });

function announcementPath(directories: Directories): string {
  return join(directories.state, 'control.json');
}

async function readAnnouncement(directories: Directories, pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(announcementPath(directories), 'utf8');
    const announced = announcementSchema.parse(JSON.parse(text));
    return announced.pid === pid ? announced.url : undefined;
  } catch {
    return undefined;
  }
}
