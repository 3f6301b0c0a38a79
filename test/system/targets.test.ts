import { afterAll, describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { exec, type ExecResult } from '#agent/kit/exec';
import { readCodeSignature } from '#test/support/code-signature';
import { emulate, emulationMissing, type Processor } from '#test/support/emulation';
import { freePort } from '#test/support/free-port';
import { repository } from '#test/support/source-file';
import { tempDir } from '#test/support/temp-dir';

/** The binaries of other platforms than this one: what they are, and how they run under an emulator. */
const folder = await tempDir('kt-targets-');
afterAll(() => folder[Symbol.asyncDispose](), 60_000);

const FOREIGN = ['linux-x64-baseline', 'linux-arm64', 'darwin-arm64'];
const binaryOf = (target: string): string => join(folder.path, target, 'ktrdr-agent');
const built = await build();
const isBuilt = built.code === 0;
if (!isBuilt) console.log(`skipped: binaries of other platforms: ${built.stderr.trim()}`);

/** Without a network there may be no parts of other platforms. */
async function build(): Promise<ExecResult> {
  const targets = FOREIGN.flatMap((target) => ['--target', target]);
  const command = [process.execPath, 'installers/build.ts', '--folder', folder.path, ...targets];
  const result = await exec(command, { cwd: repository, timeoutMs: 300_000 });
  if (result.code === 0 || result.stderr.startsWith('Cannot fetch')) return result;
  throw new Error(result.stderr);
}

test.skipIf(!isBuilt)(
  'builds for other platforms from a copy elsewhere are equal byte for byte',
  async () => {
    const targets = FOREIGN.flatMap((target) => ['--target', target]);
    const command = [process.execPath, 'installers/build.ts', '--check', ...targets];
    const { code, stdout, stderr } = await exec(command, { cwd: repository, timeoutMs: 240_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/: two builds are equal, SHA-256 [0-9a-f]{64}$/gm)?.length).toBe(FOREIGN.length);
  },
  250_000,
);

const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu';
const ARM64: Processor = { command: ['qemu-aarch64', '-L', ARM64_LIBRARIES] };
/** The last Intel generation before AVX, of 2010. */
const oldX64 = (programs: string[]): Processor => ({
  command: ['qemu-x86_64', '-cpu', 'Westmere'],
  programs,
});

const noArm64 = await missing('linux-arm64 under qemu-aarch64', ARM64, [
  `${ARM64_LIBRARIES}/lib/ld-linux-aarch64.so.1`,
  `${ARM64_LIBRARIES}/lib/libstdc++.so.6`,
]);
const noOldX64 = await missing('linux-x64-baseline under qemu-x86_64 -cpu Westmere', oldX64([]), []);

async function missing(what: string, processor: Processor, files: string[]): Promise<boolean> {
  const reason = isBuilt ? await emulationMissing(processor, files) : 'it is not built';
  if (reason !== undefined) console.log(`skipped: ${what}: ${reason}`);
  return reason !== undefined;
}

describe.skipIf(noOldX64)('linux-x64-baseline on a processor of 2010', () => {
  test('a fleet with PostgreSQL runs a backtest', async () => {
    const server = join(folder.path, 'server');
    const archive = await readFile(join(repository, 'dist/postgresql-18.tar.zst'));
    await new Bun.Archive(await Bun.zstdDecompress(archive)).extract(server);
    const binary = binaryOf('linux-x64-baseline');
    const programs = [binary, join(server, 'bin/postgres'), join(server, 'bin/initdb')];
    await runFleet(oldX64(programs), 'linux-x64-baseline');
  }, 400_000);

  test('the plain build runs there too; below SSE4.2 neither does', async () => {
    const run = (cpu: string, binary: string): Promise<ExecResult> =>
      exec(['qemu-x86_64', '-cpu', cpu, binary, 'version'], { timeoutMs: 60_000 });
    const plain = join(repository, 'dist/ktrdr-agent');
    expect((await run('Westmere', plain)).stdout).toContain('linux-x64)');
    for (const binary of [plain, binaryOf('linux-x64-baseline')]) {
      expect((await run('Penryn', binary)).stderr).toContain('Illegal instruction');
    }
  }, 120_000);
});

describe.skipIf(noArm64)('linux-arm64', () => {
  test('a fleet with PostgreSQL runs a backtest', () => runFleet(ARM64, 'linux-arm64'), 400_000);
});

test.skipIf(noOldX64 || noArm64)('both processors find the same metrics, to the last bit', () => {
  const [first, second] = [...metricsOf.values()];
  expect(Object.keys(first ?? {}).length).toBeGreaterThan(20);
  expect(second).toEqual(first ?? {});
});

const metricsOf = new Map<string, Record<string, unknown>>();
const backtestSchema = z.object({
  operation: z.object({ status: z.string() }),
  metrics: z.record(z.string(), z.unknown()),
});

/** Everything of one machine: roles, PostgreSQL, job processes, all of them on the other processor. */
async function runFleet(processor: Processor, target: string): Promise<void> {
  await using place = await tempDir('ke-');
  await using emulation = await emulate(processor);
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: place.path,
    NO_COLOR: '1',
    KTRDR_DEV_DIR: place.path,
    // A heartbeat of an emulated agent takes its time.
    KTRDR_LEASE: '60s',
  };
  const run = async (...args: string[]): Promise<string> => {
    const argv = [binaryOf(target), ...args];
    const { code, stdout, stderr } = await emulation.run(argv, { env, timeoutMs: 180_000 });
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
    return stdout;
  };
  expect(JSON.parse(await run('version', '--json'))).toMatchObject({ target });
  expect(await run('config')).toContain('KTRDR_LEASE');
  try {
    await run('dev', 'up', '--agents', '1', '--slots', '1', '--port', String(await freePort()));
    const bars = join(repository, 'node_modules/vega-datasets/data/sp500-2000.csv');
    await run('data', 'import', bars, '--symbol', 'SP500', '--timeframe', '1d');
    const backtest = await run('backtest', 'sma_cross', 'SP500', '1d', '--param', 'fast=20', '--json');
    const { operation, metrics } = backtestSchema.parse(JSON.parse(backtest));
    expect(operation.status).toBe('completed');
    metricsOf.set(target, metrics);
    expect(await run('status')).toContain('Fleet OK');
    const doctor = await emulation.run([binaryOf(target), 'doctor', '--json'], { env, timeoutMs: 120_000 });
    expect(JSON.parse(doctor.stdout)).toBeObject();
  } finally {
    await run('dev', 'down');
  }
}

describe.skipIf(!isBuilt)('darwin-arm64', () => {
  const CPU_TYPE_ARM64 = 0x0100000c;

  test('is a signed program for arm64 with its own PostgreSQL inside; it was never run', async () => {
    const bytes = await readFile(binaryOf('darwin-arm64'));
    const { wrongPages, ...signature } = readCodeSignature(bytes);
    expect(signature).toMatchObject({ cpuType: CPU_TYPE_ARM64, isAdHoc: true });
    expect(signature.pages).toBeGreaterThan(1000);
    expect(wrongPages).toEqual([]);
    const archive = await readFile(join(repository, 'dist/darwin-arm64/postgresql-18.tar.zst'));
    expect(bytes.includes(archive.subarray(0, 4096))).toBe(true);
    expect(bytes.includes(archive.subarray(-4096))).toBe(true);
    const linux = await readFile(join(repository, 'dist/postgresql-18.tar.zst'));
    expect(bytes.includes(linux.subarray(-4096))).toBe(false);
  }, 60_000);

  test('an altered page is found', async () => {
    const bytes = await readFile(binaryOf('darwin-arm64'));
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(readCodeSignature(bytes).wrongPages.length).toBe(1);
  }, 60_000);
});
