import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, Fault } from '#agent/kit/error';
import { exec } from '#agent/kit/exec';
import { directoryFault, makeServerDirectory, type Directories, type ServerUser } from './directories';
import { POSTGRES_MAJOR, type Installation } from './install';

export const ROLE = 'ktrdr';
const INITDB_TIMEOUT_MS = 120_000;

/**
 * Makes the data directory at first start, and writes who may connect at every start.
 * Fault(environment) when it holds data of another major version, Fault(disk_full) when it does not fit.
 */
export async function prepareDataDirectory(
  directories: Directories,
  installation: Installation,
  user: ServerUser,
): Promise<void> {
  const found = await dataVersion(directories.data);
  if (found === undefined) await initialize(directories, installation, user);
  else if (found !== String(POSTGRES_MAJOR)) {
    const message = `Cannot start PostgreSQL ${POSTGRES_MAJOR} on ${directories.data}: its data is of version ${found}`;
    throw new Fault('environment', message, {
      hint: 'start the version of ktrdr-agent that wrote it, or set state_dir to a new directory and restore a backup',
      details: { directory: directories.data, found, expected: POSTGRES_MAJOR },
    });
  }
  await writeAuthentication(directories.data);
}

async function dataVersion(data: string): Promise<string | undefined> {
  try {
    return (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw directoryFault(cause, data, 'state_dir');
  }
}

async function initialize(
  directories: Directories,
  installation: Installation,
  user: ServerUser,
): Promise<void> {
  // Renamed into place at the end, so that a data directory is whole or not there.
  const staging = `${directories.data}.initdb`;
  await rm(staging, { recursive: true, force: true });
  await makeServerDirectory(staging, user);
  const options = ['-D', staging, '-U', ROLE, '-E', 'UTF8', '--no-locale', '-A', 'peer', '--no-instructions'];
  // One system call for a thousand small files: half the time of a first start went into syncing each.
  if (process.platform === 'linux') options.push('--sync-method=syncfs');
  const { code, stderr } = await exec([...asUser(user), installation.initdb, ...options], {
    timeoutMs: INITDB_TIMEOUT_MS,
    env: SERVER_ENVIRONMENT,
    cwd: staging,
  });
  if (code !== 0) {
    await rm(staging, { recursive: true, force: true });
    throw serverFault(`Cannot initialize ${directories.data}`, stderr);
  }
  try {
    await rename(staging, directories.data);
  } catch (cause) {
    throw directoryFault(cause, directories.data, 'state_dir');
  }
}

/** Nothing of the caller's environment: PGDATA, PGOPTIONS and locales would change the server. */
export const SERVER_ENVIRONMENT: Record<string, string> = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/** setpriv(1) also drops root's supplementary groups, which Bun.spawn's uid and gid would leave. */
export function asUser(user: ServerUser): string[] {
  if (user === undefined) return [];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'];
}

/** Only the unix socket, and on it only the operating-system user that this process has. */
async function writeAuthentication(data: string): Promise<void> {
  // os.userInfo() gives what $USER says; the server asks the system, and so does id(1).
  const { stdout } = await exec(['id', '-un'], { timeoutMs: 10_000 });
  const name = stdout.trim().replaceAll('"', '');
  try {
    await writeFile(join(data, 'pg_hba.conf'), 'local all all peer map=ktrdr\n');
    await writeFile(join(data, 'pg_ident.conf'), `ktrdr "${name}" ${ROLE}\n`);
  } catch (cause) {
    throw directoryFault(cause, data, 'state_dir');
  }
}

/** A fault from what PostgreSQL's programs print: the last line that says what is wrong. */
export function serverFault(what: string, output: string): Fault {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const reason = lines.findLast((line) => /FATAL|PANIC|error:|could not/.test(line)) ?? lines.at(-1);
  const state = reason?.replace(/^.*?(FATAL|PANIC|error):\s*/, '') ?? 'it ended without a word';
  // A write that was cut short says so only in the hint.
  const isFull = /No space left on device|Disk quota exceeded|Check free disk space/.test(output);

  return new Fault(isFull ? 'disk_full' : 'environment', `${what}: ${isFull ? 'the disk is full' : state}`, {
    hint: isFull
      ? 'free space there, or set state_dir to a directory on another disk'
      : 'see postgres.log in state_dir, or set DATABASE_URL to another PostgreSQL server',
  });
}
