import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { isSameProcess, processIdentity, type ProcessIdentity } from '#agent/kit/process';
import { unprivilegedUser } from '#test/support/database';
import { tempDir, type TempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { connect } from '#control/store/connect';
import { startEmbedded, type EmbeddedOptions } from './server';

setDefaultTimeout(60_000);

let cache: TempDir;
beforeAll(async () => {
  cache = await tempDir();
});
afterAll(() => cache[Symbol.asyncDispose]());

test('startEmbedded() starts a durable server that only a unix socket reaches', async () => {
  await using folder = await tempDir();
  await using server = await startEmbedded(optionsIn(folder));
  await using database = await connect({ address: { embedded: server.address }, log: silentLog });
  const rows = await database.sql`
    select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
      current_setting('listen_addresses') as addresses, current_setting('server_encoding') as encoding`;
  expect(rows[0]).toEqual({ fsync: 'on', commit: 'on', addresses: '', encoding: 'UTF8' });
  expect(Math.floor(database.serverVersion / 10_000)).toBe(18);
  expect(server.adopted).toBe(false);
});

test('stop() leaves no process behind, and the data is there at the next start', async () => {
  await using folder = await tempDir();
  {
    await using server = await startEmbedded(optionsIn(folder));
    await using database = await connect({ address: { embedded: server.address }, log: silentLog });
    await database.sql`create table kept (id integer)`;
  }
  expect(await processesOf(folder)).toEqual([]);
  await using server = await startEmbedded(optionsIn(folder));
  await using database = await connect({ address: { embedded: server.address }, log: silentLog });
  expect(await database.sql`select * from kept`).toHaveLength(0);
});

test('a server killed with SIGKILL is started again, told of, and keeps what was committed', async () => {
  await using folder = await tempDir();
  const outages: number[] = [];
  const onRestart = ({ outageMs }: { outageMs: number }): void => void outages.push(outageMs);
  await using server = await startEmbedded({ ...optionsIn(folder), onRestart });
  await using database = await connect({ address: { embedded: server.address }, log: silentLog });
  await database.sql`create table kept (id integer)`;
  for (let kills = 1; kills <= 2; kills++) {
    await waitUntil('a connection', () => database.sql`insert into kept values (1)`);
    process.kill(server.identity.pid, 'SIGKILL');
    await waitUntil('the restart', () => outages.length === kills, { timeoutMs: 20_000 });
  }
  await waitUntil('a connection', () => database.sql`select 1`);
  expect(await database.sql`select * from kept`).toHaveLength(2);
});

test('a control plane that comes after a killed one adopts its server', async () => {
  await using folder = await tempDir();
  const left = await startAndBeKilled(folder);
  expect(isSameProcess(left)).toBe(true);
  {
    await using server = await startEmbedded(optionsIn(folder));
    expect(server.adopted).toBe(true);
    expect(server.identity.pid).toBe(left.pid);
    await using database = await connect({ address: { embedded: server.address }, log: silentLog });
    expect(await database.sql`select 1 as one`).toMatchObject([{ one: 1 }]);
  }
  expect(await processesOf(folder)).toEqual([]);
});

test('a server with another command line is stopped, not adopted', async () => {
  await using folder = await tempDir();
  const left = await startAndBeKilled(folder);
  const moved = { ...optionsIn(folder), runtimeDir: join(folder.path, 'elsewhere') };
  await using server = await startEmbedded(moved);
  expect(server.adopted).toBe(false);
  expect(isSameProcess(left)).toBe(false);
});

test('lock files of a dead server whose pid is now a stranger do not stop the start', async () => {
  await using folder = await tempDir();
  const left = await startAndBeKilled(folder);
  process.kill(left.pid, 'SIGKILL');
  await waitUntil('the end of the server', () => !isSameProcess(left));
  const stranger = `${process.pid}\n${join(folder.path, 'state/postgres')}\n1\n5432\n\n\n 1 1\nready\n`;
  await writeFile(join(folder.path, 'state/postgres/postmaster.pid'), stranger);
  await using server = await startEmbedded(optionsIn(folder));
  expect(server.adopted).toBe(false);
  expect(processIdentity(process.pid)).toBeDefined();
});

test('a second control plane on one directory is told of the first', async () => {
  await using folder = await tempDir();
  await using server = await startEmbedded(optionsIn(folder));
  await server.announce('http://127.0.0.1:8000');
  const refused = startEmbedded(optionsIn(folder));
  expect(refused).rejects.toMatchObject({ code: 'in_use', details: { pid: process.pid } });
  const message = new RegExp(`pid ${process.pid} started at 20.*Z on http://127.0.0.1:8000 holds it$`);
  expect(refused).rejects.toThrow(message);
  await refused.catch(() => undefined);
  expect(isSameProcess(server.identity)).toBe(true);
});

test('data of another major version is refused, and left alone', async () => {
  await using folder = await tempDir();
  await mkdir(join(folder.path, 'state/postgres'), { recursive: true });
  await writeFile(join(folder.path, 'state/postgres/PG_VERSION'), '15\n');
  const refused = startEmbedded(optionsIn(folder));
  expect(refused).rejects.toMatchObject({ code: 'environment', details: { found: '15', expected: 18 } });
  await refused.catch(() => undefined);
  expect(await Bun.file(join(folder.path, 'state/postgres/PG_VERSION')).text()).toBe('15\n');
});

test('a runtime directory that is too long for a socket is refused with its setting', async () => {
  await using folder = await tempDir();
  const runtimeDir = join(folder.path, 'x'.repeat(100));
  const refused = startEmbedded({ ...optionsIn(folder), runtimeDir });
  expect(refused).rejects.toMatchObject({
    code: 'environment',
    hint: expect.stringContaining('runtime_dir'),
  });
});

test('a directory that cannot be used is refused with its setting', async () => {
  await using folder = await tempDir();
  await writeFile(join(folder.path, 'file'), '');
  const stateDir = join(folder.path, 'file/state');
  const refused = startEmbedded({ ...optionsIn(folder), stateDir });
  expect(refused).rejects.toMatchObject({ code: 'environment', hint: expect.stringContaining('state_dir') });
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log('skipped: startEmbedded() below a directory closed to its user: needs root');
test.skipIf(!isRoot)('a directory that the user of the server may not enter is named', async () => {
  await using folder = await tempDir();
  const closed = join(folder.path, 'closed');
  await mkdir(closed);
  await chmod(closed, 0o700);
  const refused = startEmbedded({ ...optionsIn(folder), stateDir: join(closed, 'state') });
  expect(refused).rejects.toThrow(`may not enter ${closed}`);
});

test.skipIf(!isRoot)('root without another user for the server is refused', async () => {
  await using folder = await tempDir();
  const { user: _, ...rest } = optionsIn(folder);
  expect(startEmbedded(rest)).rejects.toMatchObject({ code: 'environment', hint: expect.any(String) });
});

function optionsIn(folder: TempDir): EmbeddedOptions {
  const user = unprivilegedUser();
  return {
    stateDir: join(folder.path, 'state'),
    runtimeDir: join(folder.path, 'run'),
    cacheDir: cache.path,
    ...(user === undefined ? {} : { user }),
    log: silentLog,
    clock: systemClock,
  };
}

/** Another process that starts the server and is killed with SIGKILL; returns the server it leaves. */
async function startAndBeKilled(folder: TempDir): Promise<ProcessIdentity> {
  const { log: _log, clock: _clock, ...plain } = optionsIn(folder);
  const program = `
    import { startEmbedded } from '#control/store/embedded/server';
    import { systemClock } from '#agent/kit/clock';
    import { silentLog } from '#agent/kit/log';
    const server = await startEmbedded({ ...${JSON.stringify(plain)}, log: silentLog, clock: systemClock });
    console.log(server.identity.pid);`;
  const child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe', stderr: 'inherit' });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  child.kill('SIGKILL');
  await child.exited;
  const identity = processIdentity(Number(new TextDecoder().decode(value)));
  if (identity === undefined) throw new Error('the server died with the process that started it');
  return identity;
}

/** Command lines of all processes that name the folder. */
async function processesOf(folder: TempDir): Promise<string[]> {
  const glob = new Bun.Glob('*/cmdline').scan({ cwd: '/proc', onlyFiles: false, absolute: true });
  const found: string[] = [];
  for await (const path of glob) {
    const text = await Bun.file(path)
      .text()
      .catch(() => '');
    if (text.includes(folder.path)) found.push(text);
  }
  return found;
}
