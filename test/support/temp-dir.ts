import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that goes away with its block: `await using folder = await tempDir();`. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a folder with a short path, since that of a unix socket ends at 107 bytes, which others may
 * traverse, since PostgreSQL runs as another user when the tests run as root.
 */
export async function tempDir(prefix = 'kt-'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  await chmod(path, 0o755);
  return {
    path,
    // A process that was just killed may still be writing: rm meets ENOTEMPTY and tries again.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
