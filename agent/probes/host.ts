import { readFile, statfs } from 'node:fs/promises';
import { errorCode } from '#agent/kit/error';

/** What a probe may read of a machine: the real one, or a recording of it under fixtures/. */
export interface HostReader {
  /** The text of a file; null when there is no such file. Other errors are thrown. */
  readText(path: string): Promise<string | null>;
  /** The filesystem that holds a path; null when the path does not exist. */
  statfs(path: string): Promise<FilesystemSpace | null>;
}

export interface FilesystemSpace {
  totalBytes: number;
  /** Free for an unprivileged user. */
  availableBytes: number;
}

/** This machine. Asynchronous throughout: a hanging network mount must not stop heartbeats. */
export const systemHost: HostReader = {
  readText: (path) => nullWhenMissing(readFile(path, 'utf8')),
  statfs: (path) =>
    nullWhenMissing(
      statfs(path).then(({ bsize, blocks, bavail }) => ({
        totalBytes: blocks * bsize,
        availableBytes: bavail * bsize,
      })),
    ),
};

async function nullWhenMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}
