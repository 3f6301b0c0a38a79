import { dlopen, read } from 'bun:ffi';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { errorCode, Fault } from './error';
import { processIdentity } from './process';

const LockHolder = z.strictObject({
  pid: z.int().positive(),
  startTicks: z.int().nonnegative(),
  bootId: z.string(),
  /** Wall clock at which the lock was taken, milliseconds since 1970. */
  sinceMs: z.number(),
});
/** Who wrote itself into the lock file. It is the holder only as long as the lock is taken. */
export type LockHolder = z.infer<typeof LockHolder>;

/**
 * Takes an exclusive advisory lock (flock(2)) on a file, which is created if missing and never
 * removed. Undefined when another process, or this one, holds it: `readLockHolder` says who.
 * The kernel releases it when the holder dies, also by SIGKILL; children do not inherit it.
 * Fault(environment) when the file cannot be opened or its filesystem has no locks.
 */
export function tryLock(path: string): FileLock | undefined {
  const fd = openLockFile(path);
  const outcome = lockFile(fd);
  if (outcome === 'held') {
    closeSync(fd);
    return undefined;
  }
  if (outcome !== 'locked') {
    closeSync(fd);
    throw new Fault('environment', `Cannot lock ${path}: flock failed with errno ${outcome.errno}`, {
      hint: 'put the directory on a local filesystem',
    });
  }
  writeHolder(fd);
  return new FileLock(path, fd);
}

/** The process written in the lock file; undefined when there is none, or the file is being written. */
export function readLockHolder(path: string): LockHolder | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return text.length > HOLDER_BYTES_MAX ? undefined : LockHolder.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Held until released or disposed, or until the process dies. */
export class FileLock implements Disposable, AsyncDisposable {
  readonly path: string;
  #fd: number | undefined;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Safe to call twice. The file stays: removing it would let two processes lock two inodes. */
  release(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      ftruncateSync(fd, 0);
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}

const HOLDER_BYTES_MAX = 4096;
const LOCK_EXCLUSIVE_NONBLOCKING = 2 | 4;
const EINTR = 4;
const EWOULDBLOCK = process.platform === 'darwin' ? 35 : 11;
// node:fs has no name for it; Linux's value on x64 and arm64. Bun sets it anyway, a test checks that.
const O_CLOEXEC = process.platform === 'darwin' ? 0x1000000 : 0o2000000;

function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | O_CLOEXEC, 0o600);
  } catch (cause) {
    throw new Fault('environment', `Cannot open the lock file ${path}: ${errorCode(cause) ?? 'failed'}`, {
      cause,
      hint: 'create its directory, or give this user write access to it',
    });
  }
}

function lockFile(fd: number): 'locked' | 'held' | { errno: number } {
  const c = libc();
  for (let attempt = 0; attempt < 8; attempt++) {
    if (c.flock(fd, LOCK_EXCLUSIVE_NONBLOCKING) === 0) return 'locked';
    const location = c.errno();
    const errno = location === null ? 0 : read.i32(location, 0);
    if (errno === EWOULDBLOCK) return 'held';
    if (errno !== EINTR) return { errno };
  }
  return { errno: EINTR };
}

function writeHolder(fd: number): void {
  const self = processIdentity(process.pid);
  const holder: LockHolder = {
    pid: process.pid,
    startTicks: self?.startTicks ?? 0,
    bootId: self?.bootId ?? '',
    sinceMs: Date.now(),
  };
  ftruncateSync(fd, 0);
  writeSync(fd, `${JSON.stringify(holder)}\n`, 0);
}

let opened: ReturnType<typeof openLibc> | undefined;
function libc(): ReturnType<typeof openLibc> {
  opened ??= openLibc();
  return opened;
}

function openLibc() {
  const flock = { args: ['i32', 'i32'], returns: 'i32' } as const;
  const errno = { args: [], returns: 'ptr' } as const;
  if (process.platform === 'darwin') {
    const { symbols } = dlopen('libSystem.B.dylib', { flock, __error: errno });
    return { flock: symbols.flock, errno: symbols.__error };
  }
  const { symbols } = dlopen('libc.so.6', { flock, __errno_location: errno });
  return { flock: symbols.flock, errno: symbols.__errno_location };
}
