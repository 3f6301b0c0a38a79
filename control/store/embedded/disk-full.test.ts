import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { unprivilegedUser } from '#test/support/database';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { connect } from '#control/store/connect';
import { startEmbedded, type EmbeddedOptions } from './server';

setDefaultTimeout(60_000);

const canMount = process.getuid?.() === 0 && (await mountsHere());
if (!canMount)
  console.log('skipped: startEmbedded() on a full disk: mounting a small tmpfs is not allowed here');

describe.skipIf(!canMount)('startEmbedded() on a full disk', () => {
  test('says so when the database does not fit, and leaves nothing half made', async () => {
    await using disk = await smallDisk(20);
    const refused = startEmbedded(optionsOn(disk.path));
    expect(refused).rejects.toMatchObject({ code: 'disk_full', hint: expect.stringContaining('state_dir') });
    await refused.catch(() => undefined);
    const left = await readdir(join(disk.path, 'state'));
    expect(left.filter((name) => name.startsWith('postgres') && name !== 'postgres.log')).toEqual([]);
  });

  test('fails writes while the disk is full, and goes on when there is space again', async () => {
    await using disk = await smallDisk(140);
    await using server = await startEmbedded(optionsOn(disk.path));
    await using database = await connect({ address: { embedded: server.address }, log: silentLog });
    await database.sql`create table kept (id integer, filler text)`;
    await database.sql`insert into kept values (1, '')`;
    const filler = join(disk.path, 'filler');
    const { bavail, bsize } = await statfs(disk.path);
    await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - 2 ** 20)));
    const fill = database.sql`
      insert into kept select n, repeat(md5(n::text), 30) from generate_series(1, 100000) as n`;
    const error: unknown = await fill.catch((cause: unknown) => cause);
    // Full in the middle of its log PostgreSQL stops and recovers, which shows as a lost connection.
    expect(error).toMatchObject({ code: expect.stringMatching(/^(disk_full|unavailable)$/) });
    await rm(filler);
    await waitUntil('a write', () => database.sql`insert into kept values (2, '')`, { timeoutMs: 30_000 });
    expect(await database.sql`select id from kept order by id`).toMatchObject([{ id: 1 }, { id: 2 }]);
  });
});

function optionsOn(path: string): EmbeddedOptions {
  const user = unprivilegedUser();
  return {
    stateDir: join(path, 'state'),
    runtimeDir: join(path, 'run'),
    // Beside the disk, which only holds what the test is about.
    cacheDir: `${path}.cache`,
    ...(user === undefined ? {} : { user }),
    log: silentLog,
    clock: systemClock,
  };
}

async function smallDisk(megabytes: number): Promise<AsyncDisposable & { path: string }> {
  const folder = await tempDir();
  const path = join(folder.path, 'disk');
  await mkdir(path);
  await run(['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', path]);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run(['umount', '--lazy', path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function mountsHere(): Promise<boolean> {
  try {
    await using _disk = await smallDisk(1);
    return true;
  } catch {
    return false;
  }
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'] });
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')} failed`);
}
