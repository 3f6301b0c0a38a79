import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode, Fault } from '#agent/kit/error';

/** Who PostgreSQL runs as; undefined when it is the user of this process. */
export type ServerUser = { uid: number; gid: number } | undefined;

export interface Directories {
  state: string;
  /** PostgreSQL's own data directory. */
  data: string;
  /** Mode 0700, owned by the server's user; holds nothing but the socket and its lock. */
  socket: string;
  socketPath: string;
  cache: string;
}

/** sockaddr_un holds 108 bytes, the last of which is NUL (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Makes the directories that are missing, with the right owner and mode.
 * Fault(environment) or Fault(disk_full) names the directory and the setting that moves it.
 */
export async function prepareDirectories(
  paths: { stateDir: string; runtimeDir: string; cacheDir: string },
  user: ServerUser,
): Promise<Directories> {
  const socket = join(resolve(paths.runtimeDir), 'pg');
  const directories: Directories = {
    state: resolve(paths.stateDir),
    data: join(resolve(paths.stateDir), 'postgres'),
    socket,
    socketPath: join(socket, '.s.PGSQL.5432'),
    cache: resolve(paths.cacheDir),
  };
  checkSocketPath(directories.socketPath);
  await makeDirectory(directories.state, 'state_dir');
  await makeDirectory(directories.cache, 'cache_dir');
  await makeDirectory(dirname(socket), 'runtime_dir');
  if (user !== undefined) {
    await checkReachable(directories.state, user, 'state_dir');
    await checkReachable(directories.cache, user, 'cache_dir');
    await checkReachable(dirname(socket), user, 'runtime_dir');
  }
  await makeDirectory(socket, 'runtime_dir');
  await give(socket, user, 'runtime_dir');
  return directories;
}

/** A new directory that only the server's user may enter. */
export async function makeServerDirectory(path: string, user: ServerUser): Promise<void> {
  await makeDirectory(path, 'state_dir');
  await give(path, user, 'state_dir');
}

export type DirectorySetting = 'state_dir' | 'runtime_dir' | 'cache_dir';

/** Turns an error of the file system into a fault that names the setting. */
export function directoryFault(cause: unknown, path: string, setting: DirectorySetting): Fault {
  if (cause instanceof Fault) return cause;
  const code = errorCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Fault('disk_full', `Cannot write ${path}: the disk is full`, {
      cause,
      hint: `free space there, or set ${setting} to a directory on another disk`,
    });
  }
  return new Fault('environment', `Cannot use ${path}: ${STATES[code ?? ''] ?? code ?? 'it failed'}`, {
    cause,
    hint: `give this user write access to it, or set ${setting} to another directory`,
  });
}

const STATES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
};

function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return;
  const message = `Cannot use the socket ${path}: its path has ${bytes} bytes, the system allows ${SOCKET_PATH_BYTES_MAX}`;
  throw new Fault('environment', message, {
    hint: 'set runtime_dir to a shorter path, e.g. KTRDR_RUNTIME_DIR=/run/ktrdr',
  });
}

async function makeDirectory(path: string, setting: DirectorySetting): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw directoryFault(cause, path, setting);
  }
}

async function give(path: string, user: ServerUser, setting: DirectorySetting): Promise<void> {
  try {
    await chmod(path, 0o700);
    if (user !== undefined) await chown(path, user.uid, user.gid);
  } catch (cause) {
    throw directoryFault(cause, path, setting);
  }
}

/** Root reads everything, the user it gives the server to may not: say so before initdb does, in its words. */
async function checkReachable(
  path: string,
  user: { uid: number; gid: number },
  setting: DirectorySetting,
): Promise<void> {
  for (let current = path; ; current = dirname(current)) {
    const { mode, uid, gid } = await stat(current);
    const mayEnter = uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001;
    if (mayEnter === 0) {
      const message = `Cannot run PostgreSQL in ${path}: user ${user.uid} may not enter ${current}`;
      throw new Fault('environment', message, {
        hint: `set ${setting} to a directory outside ${current}, or run as a user who owns it`,
      });
    }
    if (current === dirname(current)) return;
  }
}
