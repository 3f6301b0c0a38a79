/**
 * The native parts of a binary, as npm packages pinned by version and SHA-512 in `native/bun.lock`.
 * Those of other platforms are fetched when a build asks for them and kept in a cache, so that
 * `bun install` stays small. Fetched by `bun install` itself: its registries, proxies and cache apply.
 */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const repository = dirname(import.meta.dirname);
const LOCK = join(import.meta.dirname, 'native/bun.lock');
const FETCH_MS_MAX = 300_000;

/** The folder of a pinned package: below node_modules when the same version is there, else in the cache. */
export async function nativePart(name: string): Promise<string> {
  const pin = await pinOf(name);
  const installed = join(repository, 'node_modules', name);
  if ((await versionIn(installed)) === pin.version) return installed;
  const cached = join(cacheFolder(), `${name.replaceAll(/[@/]/g, '_')}-${pin.version}-${pin.shortHash}`);
  const part = join(cached, 'node_modules', name);
  if ((await versionIn(part)) === pin.version) return part;
  await fetchPart(name, pin, cached);
  return part;
}

/** The pinned version of a package, e.g. of Bun's runtime. */
export async function pinnedVersion(name: string): Promise<string> {
  return (await pinOf(name)).version;
}

interface Pin {
  version: string;
  /** Start of the SHA-512, for the name in the cache: other bytes, other folder. */
  shortHash: string;
  os: string;
  cpu: string;
  /** The package alone, as package.json and bun.lock. */
  manifest: string;
  lock: string;
}

async function pinOf(name: string): Promise<Pin> {
  const lock = Bun.JSONC.parse(await readFile(LOCK, 'utf8')) as Lock;
  const entry = lock.packages[name];
  if (entry === undefined) throw new Error(`Cannot find ${name}: installers/native/bun.lock does not pin it`);
  const [id, , { os, cpu }, integrity] = entry;
  if (!integrity.startsWith('sha512-')) throw new Error(`Cannot trust ${name}: its pin is not a SHA-512`);
  const version = id.slice(name.length + 1);
  const project = { name: 'part', dependencies: { [name]: version } };
  return {
    version,
    shortHash: new Bun.CryptoHasher('sha256').update(integrity).digest('hex').slice(0, 12),
    os,
    cpu,
    manifest: JSON.stringify({ ...project, private: true }),
    lock: JSON.stringify({ ...lock, workspaces: { '': project }, packages: { [name]: entry } }),
  };
}

/** The part of bun.lock that is read here; the file is ours, written by Bun. */
interface Lock {
  packages: Record<string, [id: string, registry: string, { os: string; cpu: string }, integrity: string]>;
}

/** Installed beside and renamed, so that a part in the cache is whole or not there. */
async function fetchPart(name: string, pin: Pin, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const staging = await mkdtemp(`${folder}.`);
  try {
    await writeFile(join(staging, 'package.json'), pin.manifest);
    await writeFile(join(staging, 'bun.lock'), pin.lock);
    const platform = ['--os', pin.os, '--cpu', pin.cpu];
    const command = [process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts', ...platform];
    const child = Bun.spawn(command, {
      cwd: staging,
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: FETCH_MS_MAX,
    });
    const [code, output] = await Promise.all([child.exited, child.stderr.text()]);
    if (code !== 0 || (await versionIn(join(staging, 'node_modules', name))) !== pin.version) {
      throw new Error(`Cannot fetch ${name} ${pin.version} from the npm registry: ${output.trim()}`);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function versionIn(folder: string): Promise<string | undefined> {
  const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const { version } = JSON.parse(manifest) as { version?: string };
  return version;
}

/** KTRDR_NATIVE_PARTS, else beside the tools of the installers. */
function cacheFolder(): string {
  const { KTRDR_NATIVE_PARTS, XDG_CACHE_HOME } = process.env;
  return KTRDR_NATIVE_PARTS || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'ktrdr/native');
}
