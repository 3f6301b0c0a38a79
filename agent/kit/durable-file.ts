import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, Fault } from './error';

/**
 * Writes a small file so that a crash or power cut leaves the old content or the new one, never a
 * part: a temporary file in the same directory, fsync, rename, fsync of the directory.
 * Fault(disk_full) or Fault(environment) when the directory does not take it.
 */
export function writeFileDurably(path: string, content: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeSynced(temporary, content, mode);
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw writeFault(path, cause);
  }
}

/** The fault behind a failed write: a full disk is told apart, since it may have space again later. */
export function writeFault(path: string, cause: unknown): Fault {
  const code = errorCode(cause) ?? 'failed';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const hint = `free space on the filesystem of ${dirname(path)}`;
    return new Fault('disk_full', `Cannot write ${path}: no space left`, { cause, hint });
  }
  const hint = `give this user write access to ${dirname(path)}`;
  return new Fault('environment', `Cannot write ${path}: ${code}`, { cause, hint });
}

function writeSynced(path: string, content: string, mode: number): void {
  rmSync(path, { force: true });
  // Exclusive, so that nobody else's file or link is written to.
  const fd = openSync(path, 'wx', mode);
  try {
    const bytes = Buffer.from(content);
    for (let offset = 0; offset < bytes.length;) offset += writeSync(fd, bytes, offset);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
