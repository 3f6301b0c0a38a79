/**
 * Makes `ktrdr-agent`, the one binary of every role, with the PostgreSQL server inside.
 *
 *   bun run build                        for this machine, as dist/ktrdr-agent
 *   bun run build --target linux-arm64   for another one, as dist/linux-arm64/ktrdr-agent
 *   bun run build --all                  for every target; this machine's also as dist/ktrdr-agent
 *   bun run build --check                builds twice, the second time from a copy elsewhere, and compares
 *   --folder <folder>                    instead of dist
 *
 * Two builds of one commit are equal byte for byte, wherever the checkout lies.
 */
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nativePart, pinnedVersion } from './native-parts';
import { packPostgresql } from './pack-postgresql';
import { ownTarget, TARGETS, targetNamed, type Target } from './targets';

const repository = dirname(import.meta.dirname);
// Bun mixes the name of the output file into the binary, so another name gives other bytes.
const NAME = 'ktrdr-agent';

const COMPILE_FLAGS = [
  '--compile',
  '--minify',
  // 8 MB of 131, for which a command starts in 57 ms instead of 129.
  '--bytecode',
  // Each role and command loads its own part alone; in one piece even `version` imports all that anything imports.
  '--splitting',
  // Byte code defaults to CommonJS, where top-level await fails.
  '--format=esm',
  '--sourcemap=none',
  // Without it the side effects by which TensorFlow.js sets up its platform are dropped as dead code.
  '--ignore-dce-annotations',
  // Without it the binary cannot resolve packages from a real directory (a host's own native bindings).
  '--compile-autoload-package-json',
  // Otherwise a .env in the working directory is read, and a bunfig.toml there is executed.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      all: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      folder: { type: 'string', default: join(repository, 'dist') },
    },
  });
  const own = ownTarget();
  const named = values.all ? Object.values(TARGETS) : (values.target ?? []).map(targetNamed);
  const folder = resolve(values.folder);
  for (const target of named.length === 0 ? [own] : named) {
    const runtime = await runtimeFor(target, named.length > 0);
    const recipe = await prepare(target, runtime);
    if (values.check) {
      await check(recipe);
      continue;
    }
    const binary = join(folder, named.length === 0 ? NAME : join(target.name, NAME));
    await report('binary', binary, () => compile(recipe, { checkout: repository, binary }), recipe.commit);
    // A test run next door may be executing the old one.
    if (named.length > 0 && target === own) await replace(binary, join(folder, NAME));
  }
}

/** All that the bytes of a binary depend on besides the sources. */
interface Recipe {
  target: Target;
  /** The executable that the binary becomes; undefined: the running Bun. */
  runtime: string | undefined;
  /** The packed server. */
  postgresql: string;
  version: string;
  commit: string;
}

/** Byte code is that of the Bun which compiles: only the runtime of the same version takes it. */
async function runtimeFor(target: Target, pinned: boolean): Promise<string | undefined> {
  if (!pinned) return undefined;
  const version = await pinnedVersion(target.runtime);
  if (version !== Bun.version) {
    throw new Error(
      `Cannot build for ${target.name}: its runtime is pinned to Bun ${version}, this is ${Bun.version}`,
    );
  }
  return join(await nativePart(target.runtime), 'bin/bun');
}

async function prepare(target: Target, runtime: string | undefined): Promise<Recipe> {
  const { path, packed } = await packPostgresql(target);
  console.log(`PostgreSQL: ${describe(path, (await stat(path)).size)}${packed ? '' : ', unchanged'}`);
  return { target, runtime, postgresql: path, version: await packageVersion(), commit: commit() };
}

interface Place {
  checkout: string;
  binary: string;
}

async function compile({ target, runtime, version, commit }: Recipe, { checkout, binary }: Place) {
  const constants = { VERSION: version, COMMIT: commit, TARGET: target.name };
  const defines = Object.entries(constants).flatMap(([name, value]) => ['--define', `${name}='${value}'`]);
  const { platform } = target.postgresql;
  // Which archive of PostgreSQL is meant by `#dist/postgresql-18.tar.zst` (imports of package.json).
  const conditions = platform === ownTarget().postgresql.platform ? [] : [`--conditions=${platform}`];
  const executable = runtime === undefined ? [] : [`--compile-executable-path=${runtime}`];
  const options = [`--target=${target.bunTarget}`, ...executable, ...conditions, ...defines];
  await mkdir(dirname(binary), { recursive: true });
  const command = [process.execPath, 'build', ...COMPILE_FLAGS, ...options];
  const child = Bun.spawn([...command, 'agent/main.ts', '--outfile', binary], {
    cwd: checkout,
    stdout: 'ignore',
    stderr: 'inherit',
  });
  if ((await child.exited) !== 0) throw new Error('Cannot build the binary: bun build failed, see above');
}

/** What a build reads of a checkout. */
const INPUTS = ['agent', 'control', 'node_modules', 'package.json', 'tsconfig.json'];

/** Builds from the checkout and from a copy of it elsewhere. */
async function check(recipe: Recipe): Promise<void> {
  // Beside the build, so that the copy is one of hard links.
  await mkdir(join(repository, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(repository, 'dist/check-'));
  try {
    const elsewhere = join(folder, 'another/checkout');
    await copyCheckout(recipe, elsewhere);
    const places = [
      { checkout: repository, binary: join(folder, 'first', NAME) },
      { checkout: elsewhere, binary: join(folder, 'the-second', NAME) },
    ];
    const hashes: string[] = [];
    for (const place of places) {
      await compile(recipe, place);
      hashes.push(await sha256(place.binary));
    }
    if (hashes[0] !== hashes[1]) {
      throw new Error(`Cannot build ${recipe.target.name} reproducibly: ${hashes.join(' and ')} differ`);
    }
    console.log(`${recipe.target.name}: two builds are equal, SHA-256 ${hashes[0]}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A copy and not a folder of links: Bun names parts of the program after where files really lie. */
async function copyCheckout({ postgresql }: Recipe, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const copy = async (from: string, target: string): Promise<void> => {
    const command = ['cp', '--recursive', '--preserve=mode,links', '--link', from, target];
    const child = Bun.spawn(command, { stderr: 'inherit' });
    if ((await child.exited) !== 0) throw new Error(`Cannot copy ${from} to ${target}, see above`);
  };
  for (const name of INPUTS) await copy(join(repository, name), to);
  const archive = relative(repository, postgresql);
  await mkdir(dirname(join(to, archive)), { recursive: true });
  await copy(postgresql, join(to, archive));
}

async function sha256(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return hasher.digest('hex');
}

async function replace(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.partial`);
  await rename(`${to}.partial`, to);
}

async function packageVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    if (typeof manifest.version === 'string') return manifest.version;
  }
  throw new Error('Cannot build: package.json has no version');
}

/** A checkout without git (an unpacked archive) builds too. */
function commit(): string {
  const hash = git('rev-parse', '--short=12', 'HEAD');
  if (hash === undefined) return 'unknown';
  return git('status', '--porcelain') === '' ? hash : `${hash}+dirty`;
}

function git(...args: string[]): string | undefined {
  if (Bun.which('git') === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync(['git', ...args], { cwd: repository, stderr: 'ignore' });
  return exitCode === 0 ? stdout.toString().trim() : undefined;
}

async function report(what: string, path: string, make: () => Promise<void>, note: string): Promise<void> {
  const start = performance.now();
  await make();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${what}: ${describe(path, (await stat(path)).size)} in ${seconds} s, ${note}`);
}

function describe(path: string, sizeBytes: number): string {
  return `${relative(repository, path)} ${(sizeBytes / 1e6).toFixed(1)} MB`;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
