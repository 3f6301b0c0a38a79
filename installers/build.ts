/**
 * `bun run build [--target linux-x64] [--folder dist]`: makes `ktrdr-agent`, the one binary of every role,
 * with the PostgreSQL server inside. Two builds of one commit are equal byte for byte.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packPostgresql } from './pack-postgresql';

const repository = dirname(import.meta.dirname);
// Bun mixes the name of the output file into the binary, so another name gives other bytes.
const NAME = 'ktrdr-agent';

/** Our name of a platform → Bun's. A platform needs its own PostgreSQL package before it gets a line. */
const TARGETS: Readonly<Record<string, string>> = { 'linux-x64': 'bun-linux-x64' };

const COMPILE_FLAGS = [
  '--compile',
  '--minify',
  '--bytecode',
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

async function build(target: string, binary: string): Promise<void> {
  const bunTarget = TARGETS[target];
  if (bunTarget === undefined) {
    throw new Error(`Cannot build for ${target}: only ${Object.keys(TARGETS).join(', ')} exists so far`);
  }
  await report('PostgreSQL', async () => {
    const { path, packed } = await packPostgresql();
    return { path, note: packed ? '' : ', unchanged' };
  });
  await report('binary', async () => {
    const constants = { VERSION: await packageVersion(), COMMIT: commit(), TARGET: target };
    await compile(binary, bunTarget, constants);
    return { path: binary, note: `, ${constants.COMMIT}` };
  });
}

async function compile(binary: string, bunTarget: string, constants: Record<string, string>): Promise<void> {
  const defines = Object.entries(constants).flatMap(([name, value]) => ['--define', `${name}='${value}'`]);
  const command = [process.execPath, 'build', ...COMPILE_FLAGS, `--target=${bunTarget}`, ...defines];
  const child = Bun.spawn([...command, 'agent/main.ts', '--outfile', binary], {
    cwd: repository,
    stdout: 'ignore',
    stderr: 'inherit',
  });
  if ((await child.exited) !== 0) throw new Error('Cannot build the binary: bun build failed, see above');
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

async function report(what: string, make: () => Promise<{ path: string; note: string }>): Promise<void> {
  const start = performance.now();
  const { path, note } = await make();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { size } = await stat(path);
  console.log(`${what}: ${relative(repository, path)} ${(size / 1e6).toFixed(1)} MB in ${seconds} s${note}`);
}

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'linux-x64' },
    folder: { type: 'string', default: join(repository, 'dist') },
  },
});
try {
  await build(values.target, join(resolve(values.folder), NAME));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
