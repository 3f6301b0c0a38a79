import { open, readdir, readFile, readlink, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '#agent/kit/clock';
import { errorCode, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { isSameProcess, killTree, processIdentity, waitForExit } from '#agent/kit/process';
import type { ProcessIdentity } from '#agent/kit/process';
import { asUser, SERVER_ENVIRONMENT } from './data-directory';
import { directoryFault, type Directories, type ServerUser } from './directories';
import type { Installation } from './install';

/** Fast shutdown ends sessions and writes a checkpoint; a slow disk may need this long. */
const FAST_STOP_MS = 20_000;
/** Immediate shutdown only ends processes; recovery at the next start does the rest. */
const IMMEDIATE_STOP_MS = 5_000;
const LOG_BYTES_MAX = 8 * 2 ** 20;

/** The server's settings, all on the command line: a running server shows in /proc what it was started with. */
export function serverArguments(directories: Directories): string[] {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: directories.socket,
    unix_socket_permissions: '0700',
    port: 5432,
    max_connections: 64,
    shared_buffers: '128MB',
    // Nobody replicates from it and backups are COPY snapshots, so that bulk loads may skip the log.
    wal_level: 'minimal',
    max_wal_senders: 0,
    min_wal_size: '64MB',
    max_wal_size: '512MB',
    wal_compression: 'on',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    max_locks_per_transaction: 256,
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] ',
    // The name of the log file is bounded by us, not by the server's collector.
    logging_collector: 'off',
  };
  return [
    '-D',
    directories.data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

export function logPath(directories: Directories): string {
  return join(directories.state, 'postgres.log');
}

/** Starts a postmaster in a session of its own, so that it outlives this process; it is not ready yet. */
export async function spawnPostmaster(
  directories: Directories,
  installation: Installation,
  user: ServerUser,
): Promise<ProcessIdentity> {
  const output = await openLog(directories);
  try {
    const child = Bun.spawn([...asUser(user), installation.postgres, ...serverArguments(directories)], {
      cwd: directories.state,
      env: SERVER_ENVIRONMENT,
      stdin: 'ignore',
      stdout: output.fd,
      stderr: output.fd,
      detached: true,
    });
    child.unref();
    const identity = processIdentity(child.pid);
    if (identity === undefined) throw new Fault('environment', 'Cannot start PostgreSQL: it ended at once');
    return identity;
  } finally {
    await output.close();
  }
}

/** Writes down which process the server is, for the control plane that comes after a crash of this one. */
export async function recordPostmaster(directories: Directories, identity: ProcessIdentity): Promise<void> {
  const path = recordPath(directories);
  // Anew, since a postmaster that was just spawned still showed the program that changes the user.
  const current = processIdentity(identity.pid) ?? identity;
  try {
    await writeFile(`${path}.partial`, JSON.stringify(current), { mode: 0o600 });
    await rename(`${path}.partial`, path);
  } catch (cause) {
    throw directoryFault(cause, path, 'state_dir');
  }
}

/**
 * The postmaster that runs on this data directory, whoever started it: the process of postmaster.pid,
 * if it is the one we recorded, or if it works in this very directory (we were killed before recording).
 */
export async function findPostmaster(directories: Directories): Promise<ProcessIdentity | undefined> {
  const pid = Number.parseInt(await readText(join(directories.data, 'postmaster.pid')), 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const identity = processIdentity(pid);
  if (identity === undefined) return undefined;
  const recorded = await readRecord(directories);
  if (recorded?.pid === pid && isSameProcess(recorded)) return identity;
  return (await worksIn(pid, directories.data)) ? identity : undefined;
}

/** Whether a running server is this installation with these settings: otherwise it is stopped, not adopted. */
export async function isCurrent(
  identity: ProcessIdentity,
  directories: Directories,
  installation: Installation,
): Promise<boolean> {
  const expected = [installation.postgres, ...serverArguments(directories)];
  const found = (await readText(`/proc/${identity.pid}/cmdline`)).split('\0').slice(0, -1);
  return found.length === expected.length && found.every((word, index) => word === expected[index]);
}

/** Fast shutdown, then immediate shutdown, then SIGKILL; each bounded. Nothing of the server is left after it. */
export async function stopPostmaster(
  identity: ProcessIdentity,
  directories: Directories,
  { clock, log }: { clock: Clock; log: Log },
): Promise<void> {
  const signals = [
    { signal: 'SIGINT', timeoutMs: FAST_STOP_MS },
    { signal: 'SIGQUIT', timeoutMs: IMMEDIATE_STOP_MS },
  ] as const;
  for (const { signal, timeoutMs } of signals) {
    if (!isSameProcess(identity)) break;
    signalPostmaster(identity, signal);
    if (await waitForExit(identity, { clock, timeoutMs })) break;
    log.warn('PostgreSQL does not stop', { pid: identity.pid, signal, timeoutMs });
  }
  if (isSameProcess(identity)) killTree(identity, 'SIGKILL');
  await endLeftovers(directories, clock);
  await rm(recordPath(directories), { force: true });
}

export function signalPostmaster(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    if (isSameProcess(identity)) process.kill(identity.pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Ends what a killed postmaster left: its children notice within moments, one in a long query later.
 * Then removes the lock files, whose pid may by now be a stranger's or that of a zombie which nobody
 * reaps: PostgreSQL would not start for either. The caller holds the directory's lock and knows that no postmaster runs.
 */
export async function endLeftovers(directories: Directories, clock: Clock): Promise<void> {
  const deadlineMs = clock.bootMs() + IMMEDIATE_STOP_MS;
  for (;;) {
    const pids = await processesIn(directories.data);
    if (pids.length === 0) break;
    if (clock.bootMs() > deadlineMs) for (const pid of pids) killTree(pid, 'SIGKILL');
    await clock.sleep(20);
  }
  const locks = [join(directories.data, 'postmaster.pid'), `${directories.socketPath}.lock`];
  for (const path of locks) await rm(path, { force: true });
}

/** Cuts the log to its newer half when it has grown over its bound. The server appends, so it never notices. */
export async function boundLog(directories: Directories): Promise<void> {
  const path = logPath(directories);
  const size = await stat(path)
    .then((found) => found.size)
    .catch(() => 0);
  if (size <= LOG_BYTES_MAX) return;
  const tail = await Bun.file(path)
    .slice(size - LOG_BYTES_MAX / 2)
    .bytes();
  await writeFile(`${path}.1`, tail, { mode: 0o600 });
  await truncate(path, 0);
}

/** The end of the log, for the reason why a server did not start. */
export async function readLogTail(directories: Directories, fromByte: number): Promise<string> {
  const file = Bun.file(logPath(directories));
  return await file.slice(Math.max(fromByte, file.size - 16_384)).text();
}

export async function logSize(directories: Directories): Promise<number> {
  return await stat(logPath(directories))
    .then((found) => found.size)
    .catch(() => 0);
}

async function openLog(directories: Directories) {
  await boundLog(directories);
  try {
    return await open(logPath(directories), 'a', 0o600);
  } catch (cause) {
    throw directoryFault(cause, logPath(directories), 'state_dir');
  }
}

const recordSchema = z.object({
  pid: z.int().positive(),
  startTicks: z.int().nonnegative(),
  bootId: z.string(),
  exe: z.string().nullable(),
});

function recordPath(directories: Directories): string {
  return join(directories.state, 'postgres.json');
}

async function readRecord(directories: Directories): Promise<ProcessIdentity | undefined> {
  try {
    return recordSchema.safeParse(JSON.parse(await readText(recordPath(directories)))).data;
  } catch {
    return undefined;
  }
}

/** All processes of a server have its data directory as working directory. Empty where there is no /proc. */
async function processesIn(data: string): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) if (await worksIn(pid, data)) found.push(pid);
  return found.filter((pid) => processIdentity(pid) !== undefined);
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === directory;
  } catch {
    return false;
  }
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
