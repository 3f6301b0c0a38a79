import { expect, test } from 'bun:test';
import { chmod, copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '#agent/kit/exec';
import { BINARY, Fleet } from '#test/support/fleet';
import { freePort } from '#test/support/free-port';
import { smallDisk, smallDiskMissing } from '#test/support/small-disk';
import { tempDir } from '#test/support/temp-dir';

const isRoot = process.getuid?.() === 0;

/** Starts a control plane that is expected to refuse, and gives what it says. */
async function refusing(directory: string, environment: Record<string, string>, user?: number) {
  const started = performance.now();
  const child = Bun.spawn([BINARY, 'run', '--role', 'control'], {
    cwd: '/',
    env: {
      PATH: '/usr/bin:/bin',
      HOME: directory,
      KTRDR_STATE_DIR: join(directory, 'state'),
      KTRDR_RUNTIME_DIR: join(directory, 'run'),
      KTRDR_CACHE_DIR: join(directory, 'cache'),
      API_PORT: String(await freePort()),
      ...environment,
    },
    ...(user === undefined ? {} : { uid: user, gid: user }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const [stderr, code] = await Promise.all([child.stderr.text(), child.exited]);
  return { code, stderr, seconds: (performance.now() - started) / 1000 };
}

async function postgresProcesses(directory: string): Promise<string> {
  const { stdout } = await exec(['ps', '-eo', 'args'], { timeoutMs: 10_000 });
  return stdout
    .split('\n')
    .filter((line) => line.includes('postgres') && line.includes(directory))
    .join('\n');
}

test('a second control plane on one directory names the first', async () => {
  await using fleet = await Fleet.start({ agents: 0 });
  const second = await refusing(fleet.directory, {
    KTRDR_STATE_DIR: join(fleet.directory, 'control/state'),
    KTRDR_RUNTIME_DIR: join(fleet.directory, 'control/run'),
    KTRDR_CACHE_DIR: join(fleet.directory, 'control/cache'),
  });
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`pid ${fleet.control.pid}`);
  expect(second.stderr).toContain(fleet.apiUrl);
  expect(second.stderr).toMatch(/hint: \S/);
  await fleet.stop();
}, 120_000);

test('a taken port is named, and PostgreSQL is not left running', async () => {
  await using folder = await tempDir('kb-');
  const squatter = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('mine') });
  const { port } = squatter;
  const { code, stderr } = await refusing(folder.path, { API_PORT: String(port) });
  await squatter.stop(true);
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`127.0.0.1:${port}.*taken`));
  expect(stderr).toMatch(/hint: .*api_port/);
  expect(await postgresProcesses(folder.path)).toBe('');
}, 60_000);

test('a directory that cannot be written is named with its setting', async () => {
  await using folder = await tempDir('kb-');
  await mkdir(join(folder.path, 'closed'));
  await chmod(join(folder.path, 'closed'), 0o555);
  const environment = { KTRDR_STATE_DIR: join(folder.path, 'closed/state') };
  const { code, stderr } = await refusing(folder.path, environment, isRoot ? 65_534 : undefined);
  expect(code).toBe(1);
  expect(stderr).toContain(join(folder.path, 'closed'));
  expect(stderr).toMatch(/hint: .*state_dir/);
}, 60_000);

test('a data directory of another version of PostgreSQL is refused by name', async () => {
  await using folder = await tempDir('kb-');
  await mkdir(join(folder.path, 'state/postgres'), { recursive: true });
  await Bun.write(join(folder.path, 'state/postgres/PG_VERSION'), '15\n');
  const { code, stderr } = await refusing(folder.path, {});
  expect(code).toBe(1);
  expect(stderr).toMatch(/PostgreSQL 18.*version 15/);
  expect(await readFile(join(folder.path, 'state/postgres/PG_VERSION'), 'utf8')).toBe('15\n');
}, 60_000);

test('a DATABASE_URL that nobody answers is named without its password', async () => {
  await using folder = await tempDir('kb-');
  const url = `postgres://me:secret-word@127.0.0.1:${await freePort()}/ktrdr`;
  const { code, stderr } = await refusing(folder.path, { DATABASE_URL: url });
  expect(code).toBe(1);
  expect(stderr).toMatch(/127\.0\.0\.1:\d+/);
  expect(stderr).not.toContain('secret-word');
}, 60_000);

test('an address beyond loopback needs `insecure`', async () => {
  await using folder = await tempDir('kb-');
  const { code, stderr } = await refusing(folder.path, { API_HOST: '0.0.0.0' });
  expect(code).toBe(2);
  expect(stderr).toMatch(/0\.0\.0\.0.*TLS/);
  expect(await postgresProcesses(folder.path)).toBe('');
}, 60_000);

const diskMissing = await smallDiskMissing('a disk too small for the database');

test.skipIf(diskMissing)(
  'a disk too small for the database is said at the start',
  async () => {
    await using disk = await smallDisk(20);
    const { code, stderr } = await refusing(disk.path, { KTRDR_CACHE_DIR: '/tmp/kb-cache' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/disk is full/);
    expect(stderr).toMatch(/hint: \S/);
    expect(await postgresProcesses(disk.path)).toBe('');
  },
  60_000,
);

test('the binary is one file that needs no other', async () => {
  await using folder = await tempDir('kb-');
  const binary = join(folder.path, 'ktrdr-agent');
  await copyFile(BINARY, binary);
  expect((await stat(binary)).size).toBeGreaterThan(100 * 2 ** 20);
  const { stdout } = await exec([binary, 'version', '--json'], {
    timeoutMs: 10_000,
    cwd: folder.path,
    env: {},
  });
  expect(JSON.parse(stdout)).toMatchObject({ target: 'linux-x64' });
});
