import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { unprivilegedUser } from '#test/support/database';
import { smallDisk, smallDiskMissing } from '#test/support/small-disk';
import { waitUntil } from '#test/support/wait-until';
import { connect } from '#control/store/connect';
import { startEmbedded, type EmbeddedOptions } from './server';

setDefaultTimeout(60_000);

const missing = await smallDiskMissing('startEmbedded() on a full disk');

describe.skipIf(missing)('startEmbedded() on a full disk', () => {
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
