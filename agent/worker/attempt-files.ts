import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import type { AttemptKey } from '#agent/contract/lease';
import { errorCode } from '#agent/kit/error';

/** The files of one attempt; see contract/job.ts for who writes which, and when. */
export interface AttemptFiles {
  job: string;
  units: string;
  result: string;
  exit: string;
  log(segment: number): string;
}

export function attemptFiles(attemptDir: string): AttemptFiles {
  return {
    job: join(attemptDir, 'job.json'),
    units: join(attemptDir, 'units.ndjson'),
    result: join(attemptDir, 'result.json'),
    exit: join(attemptDir, 'exit.json'),
    log: (segment) => join(attemptDir, `log.${segment}.ndjson`),
  };
}

export interface ShimFiles {
  options: string;
  socket: string;
  state: string;
  stderr: string;
}

export function shimFiles(shimDir: string): ShimFiles {
  return {
    options: join(shimDir, 'options.json'),
    socket: join(shimDir, 'socket'),
    state: join(shimDir, 'state.json'),
    stderr: join(shimDir, 'stderr'),
  };
}

/** Names the attempt in maps, file names and logs. */
export function attemptName(key: AttemptKey): string {
  return `${key.operation_id}.${key.epoch}`;
}

/** Readers see the old text or the new one; after a power cut too when `durable`. */
export function replaceFile(path: string, text: string, { durable }: { durable: boolean }): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, 'w', 0o600);
  try {
    // Unlike writeSync it goes on after a short write, and so never renames half a file in.
    writeFileSync(fd, text);
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  if (durable) syncDirectory(dirname(path));
}

/** Undefined when the file is missing, cut off or of another shape: all of them mean "not there yet". */
export function readJsonFile<T extends z.ZodType>(path: string, schema: T): z.output<T> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
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
