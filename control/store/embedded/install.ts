import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import archivePath from '#dist/postgresql-18.tar.zst' with { type: 'file' };
import type { Clock } from '#agent/kit/clock';
import { errorCode, Fault } from '#agent/kit/error';
import { exec } from '#agent/kit/exec';
import { directoryFault } from './directories';

/** The server that this binary carries. Data of another major version needs another binary. */
export const POSTGRES_MAJOR = 18;

export interface Installation {
  /** Named after the content: two versions live side by side, and neither is ever changed. */
  directory: string;
  postgres: string;
  initdb: string;
}

/**
 * Unpacks the server that this binary carries into the cache, once for each content. Processes that
 * do it at the same time do not harm each other: the first rename wins.
 */
export async function installPostgres(cacheDir: string, clock: Clock): Promise<Installation> {
  const directory = join(cacheDir, `postgresql-${(await archiveHash()).slice(0, 16)}`);
  const installation: Installation = {
    directory,
    postgres: join(directory, 'bin/postgres'),
    initdb: join(directory, 'bin/initdb'),
  };
  try {
    if (await works(installation)) return installation;
    // A power cut may have left empty files behind a rename that did reach the disk.
    await rm(directory, { recursive: true, force: true });
    await unpack(directory, clock);
  } catch (cause) {
    throw directoryFault(cause, directory, 'cache_dir');
  }
  if (await works(installation)) return installation;
  throw new Fault('environment', `Cannot run ${installation.postgres}: it does not start on this machine`, {
    hint: 'check that cache_dir is not mounted noexec, or set DATABASE_URL to a PostgreSQL server',
  });
}

async function unpack(directory: string, clock: Clock): Promise<void> {
  const parent = join(directory, '..');
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent, clock.nowMs());
  const staging = await mkdtemp(join(parent, STAGING_PREFIX));
  try {
    const unpacked = join(staging, basename(directory));
    // Bytes, not the file itself: Bun.Archive reads neither zstd nor a file embedded in the binary.
    const packed = await Bun.file(archivePath).bytes();
    await new Bun.Archive(await Bun.zstdDecompress(packed)).extract(unpacked);
    await rename(unpacked, directory).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

const STAGING_PREFIX = '.unpacking-';
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** What a process left behind that was killed while it unpacked. */
async function removeAbandoned(parent: string, nowMs: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(STAGING_PREFIX)) continue;
    const { mtimeMs } = await stat(join(parent, name));
    if (nowMs - mtimeMs < ABANDONED_AFTER_MS) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function works({ postgres }: Installation): Promise<boolean> {
  if (!(await Bun.file(postgres).exists())) return false;
  try {
    const { code, stdout } = await exec([postgres, '--version'], { timeoutMs: 10_000, env: { LC_ALL: 'C' } });
    return code === 0 && stdout.includes(` ${POSTGRES_MAJOR}.`);
  } catch {
    return false;
  }
}

/** SHA-256 in chunks: 8 MB at once would hold up the event loop. */
async function archiveHash(): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const chunk of Bun.file(archivePath).stream()) hasher.update(chunk);
  return hasher.digest('hex');
}
