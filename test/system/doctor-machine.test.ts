import { expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '#agent/kit/exec';
import { doctor, untouched } from '#test/support/examination';
import { BINARY } from '#test/support/fleet';
import { freePort } from '#test/support/free-port';
import { controlGroup, controlGroupMissing } from '#test/support/control-group';
import { smallDisk, smallDiskMissing } from '#test/support/small-disk';
import { tempDir } from '#test/support/temp-dir';

/** `doctor` of the compiled binary on machines without a control plane, each made sick for real. */
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
setDefaultTimeout(60_000);

test('the port is taken by another program', async () => {
  await using folder = await tempDir();
  const squatter = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('mine') });
  const environment = await untouched(folder.path, { WORKER_PORT: String(squatter.port) });
  const sick = await doctor({ environment, keep: 'port-taken' });
  expect(sick.check('ports').state).toBe('bad');
  expect(sick.check('ports').summary).toContain(`port ${squatter.port} of the agent is taken by `);
  expect(sick.check('ports').summary).toContain(`(pid ${process.pid}`);
  const [, free = ''] = /WORKER_PORT=(\d+)/.exec(sick.check('ports').fix ?? '') ?? [];
  const well = await doctor({ environment: { ...environment, WORKER_PORT: free } });
  expect(well.check('ports')).toMatchObject({ state: 'ok', summary: `${free} is free for the agent` });
  await squatter.stop(true);
});

test('the state directory cannot be written', async () => {
  await using folder = await tempDir();
  await chmod(folder.path, 0o777);
  const environment = await untouched(folder.path);
  await mkdir(environment.KTRDR_STATE_DIR, { mode: 0o555 });
  const user = isRoot ? { uid: NOBODY } : {};
  const sick = await doctor({ environment, ...user, keep: 'state-directory-not-writable' });
  expect(sick.check('directories').state).toBe('bad');
  expect(sick.check('directories').summary).toContain(
    `the agent cannot use ${environment.KTRDR_STATE_DIR} (state_dir): may not be written by this user`,
  );
  const [command = ''] = (sick.check('directories').fix ?? '').split(',');
  expect(command).toStartWith('install -d -o ');
  expect((await exec(command.split(' '), { timeoutMs: 5_000 })).code).toBe(0);
  expect((await doctor({ environment, ...user })).check('directories').state).toBe('ok');
});

test.skipIf(!isRoot)('root starts the control plane where its user may not go', async () => {
  await using folder = await tempDir();
  const home = join(folder.path, 'home');
  await mkdir(home, { mode: 0o700 });
  const environment = {
    ...(await untouched(folder.path, { KTRDR_ROLE: 'control', API_PORT: String(await freePort()) })),
    KTRDR_STATE_DIR: join(home, 'state'),
    KTRDR_RUN_AS: 'nobody',
  };
  const sick = await doctor({ environment, keep: 'control-plane-may-not-enter' });
  expect(sick.check('directories').state).toBe('bad');
  expect(sick.check('directories').summary).toBe(
    `the control plane becomes user ${NOBODY}, who may not enter ${home}`,
  );
  const [command = ''] = (sick.check('directories').fix ?? '').split(', or set');
  await exec(command.split(' '), { timeoutMs: 5_000 });
  expect((await doctor({ environment })).check('directories').state).toBe('ok');
});

test('the disk is nearly full', async () => {
  if (await smallDiskMissing('a disk that is nearly full')) return;
  await using disk = await smallDisk(8);
  await using folder = await tempDir();
  const environment = { ...(await untouched(folder.path)), KTRDR_STATE_DIR: join(disk.path, 'state') };
  const sick = await doctor({ environment, keep: 'disk-nearly-full' });
  expect(sick.check('disk').state).toBe('bad');
  expect(sick.check('disk').summary).toContain(`only 8.0 MiB of 8.0 MiB free for ${disk.path}/state`);
  expect(sick.check('disk').fix).toContain('or set state_dir to a directory on another disk');
  const well = await doctor({
    environment: { ...environment, KTRDR_STATE_DIR: join(folder.path, 'state') },
  });
  expect(well.check('disk').state).not.toBe('bad');
});

test('the cache is mounted noexec, where the database server is unpacked', async () => {
  if (await smallDiskMissing('a disk that is mounted noexec')) return;
  await using disk = await smallDisk(8);
  await using folder = await tempDir();
  await exec(['mount', '-o', 'remount,noexec', disk.path], { timeoutMs: 5_000 });
  const own = { KTRDR_ROLE: 'control', API_PORT: String(await freePort()), KTRDR_CACHE_DIR: disk.path };
  const environment = await untouched(folder.path, own);
  const sick = await doctor({ environment, keep: 'cache-mounted-noexec' });
  expect(sick.check('directories').state).toBe('bad');
  expect(sick.check('directories').summary).toContain(`${disk.path} is mounted noexec`);
  const [remount = ''] = (sick.check('directories').fix ?? '').split(', or set');
  expect((await exec(remount.split(' '), { timeoutMs: 5_000 })).code).toBe(0);
  expect((await doctor({ environment })).check('directories').state).toBe('ok');
});

test('settings: a key that is none, and a value that cannot be used, both told', async () => {
  await using folder = await tempDir();
  const environment = await untouched(folder.path, { KTRDR_LEASE: 'soon' });
  await writeFile(environment.KTRDR_SETTINGS, 'worker_prot: 5005\nlog_level: debug\n');
  const sick = await doctor({ environment, keep: 'settings-unknown-key' });
  const { state, summary, fix, derivation } = sick.check('settings');
  expect(state).toBe('bad');
  expect(summary).toContain('there is no setting "worker_prot"');
  expect(fix).toContain('did you mean "worker_port"?');
  expect(derivation.join('\n')).toContain('Cannot use "soon" as lease (environment KTRDR_LEASE)');
  expect(derivation).toContain(`log_level = "debug" (file ${environment.KTRDR_SETTINGS})`);
  await writeFile(environment.KTRDR_SETTINGS, 'worker_port: 5005\nlog_level: debug\n');
  const well = await doctor({ environment: { ...environment, KTRDR_LEASE: undefined } });
  expect(well.check('settings').state).toBe('ok');
});

test('the runtime directory is too long for a socket', async () => {
  await using folder = await tempDir();
  const environment = await untouched(folder.path, {
    KTRDR_RUNTIME_DIR: join(folder.path, 'long'.repeat(20)),
  });
  const sick = await doctor({ environment, keep: 'runtime-directory-too-long' });
  expect(sick.check('sockets').state).toBe('bad');
  expect(sick.check('sockets').summary).toMatch(/would have \d+ bytes, the system allows 107/);
  const [, shorter] = /KTRDR_RUNTIME_DIR=(\S+)/.exec(sick.check('sockets').fix ?? '') ?? [];
  const well = await doctor({ environment: { ...environment, KTRDR_RUNTIME_DIR: shorter } });
  expect(well.check('sockets').state).toBe('ok');
});

test.skipIf(!isRoot)('nobody says where HOME is', async () => {
  await using folder = await tempDir();
  await chmod(folder.path, 0o777);
  const environment = {
    PATH: '/usr/bin:/bin',
    KTRDR_ROLE: 'worker',
    WORKER_PORT: String(await freePort()),
    KTRDR_DEV_DIR: undefined,
  };
  const sick = await doctor({ environment, uid: NOBODY, keep: 'no-home' });
  expect(sick.check('settings').summary).toBe('Cannot choose directories: HOME is not set');
  expect(sick.check('settings').fix).toContain('set HOME');
  expect(sick.check('directories').state).toBe('skipped');
  const well = await doctor({ environment: { ...environment, HOME: folder.path }, uid: NOBODY });
  expect(well.check('settings').state).toBe('ok');
  expect(well.check('directories').state).toBe('ok');
});

test('nothing runs, nothing was ever set', async () => {
  await using folder = await tempDir();
  const port = await freePort();
  const environment = await untouched(folder.path, {
    KTRDR_API_URL: `http://127.0.0.1:${port}`,
    KTRDR_TOKEN_FILE: join(folder.path, 'state/token'),
  });
  const sick = await doctor({ environment, keep: 'nothing-runs' });
  expect(sick.code).toBe(2);
  expect(sick.check('agent').fix).toStartWith('ktrdr-agent run --role worker');
  expect(sick.check('identity')).toMatchObject({ state: 'ok', summary: 'made at the first start' });
  expect(sick.check('token').fix).toContain('ktrdr-agent dev up');
  expect(existsSync(join(folder.path, 'state'))).toBe(false);
});

const noGroups = await controlGroupMissing('doctor with a quota of half a core');

test.skipIf(noGroups)('a quota of half a core', async () => {
  await using group = await controlGroup({ cores: 0.5 });
  await using folder = await tempDir();
  const environment = await untouched(folder.path);
  const prefix = group.entering([]);
  const sick = await doctor({ environment, prefix, keep: 'quota-half-a-core' });
  expect(sick.check('cpu')).toMatchObject({ state: 'warn' });
  expect(sick.check('cpu').summary).toContain('a quota leaves 0.5 cores');
  await exec(['sh', '-c', sick.check('cpu').fix ?? ''], { timeoutMs: 5_000 });
  expect((await doctor({ environment, prefix })).check('cpu').state).toBe('ok');
});

test('secrets of the settings are in no output', async () => {
  await using folder = await tempDir();
  const environment = await untouched(folder.path, {
    KTRDR_ROLE: 'control,worker',
    DATABASE_URL: 'postgres://ktrdr:opensesame@db.invalid:5432/ktrdr',
    KTRDR_API_URL: `http://user:opensesame@127.0.0.1:${await freePort()}`,
  });
  const { stdout, checks } = await doctor({ environment });
  expect(checks.length).toBeGreaterThan(30);
  expect(stdout).toContain('database_url');
  expect(stdout).not.toContain('opensesame');
});

test('a recording for a bug report', async () => {
  await using folder = await tempDir();
  const report = join(folder.path, 'report');
  const environment = await untouched(folder.path);
  const program = [BINARY, 'doctor', 'cpu', 'memory', '--record', report];
  const { code, stderr } = await exec(program, { timeoutMs: 30_000, cwd: '/', env: environment });
  expect(code).toBeLessThan(3);
  expect(stderr).toContain(`Recorded in ${report}`);
  const files = await readdir(report);
  const expected = ['doctor.json', 'expected.json', 'host.json', 'proc'];
  expect(expected.filter((name) => !files.includes(name))).toEqual([]);
  const findings: unknown = JSON.parse(await readFile(join(report, 'doctor.json'), 'utf8'));
  expect(findings).toMatchObject({ hostname: 'node', checks: [{ name: 'cpu' }, { name: 'memory' }] });
});
