import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLog } from '#agent/kit/log';
import { debianServer, debianServerMissing, freshDatabase, unprivilegedUser } from '#test/support/database';
import { freePort } from '#test/support/free-port';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { openPool } from './address';
import { connect } from './connect';

const PGBOUNCER = '/usr/sbin/pgbouncer';
const missing = existsSync(PGBOUNCER)
  ? debianServerMissing()
  : `${PGBOUNCER} is missing (apt-get install pgbouncer)`;
if (missing !== undefined) console.log(`skipped: connect() through pgbouncer: ${missing}`);

describe.skipIf(missing !== undefined)('connect() through pgbouncer', () => {
  test('refuses one that pools transactions', async () => {
    await using pooler = await startPooler('transaction');
    const refused = connect({ address: { url: pooler.url }, log: silentLog });
    expect(refused).rejects.toMatchObject({ code: 'environment' });
    expect(refused).rejects.toThrow('a transaction pooler');
  });

  test('refuses one that pools transactions also when it passes session settings on', async () => {
    await using pooler = await startPooler('transaction', SETTINGS_IGNORED);
    const refused = connect({ address: { url: pooler.url }, log: silentLog });
    expect(refused).rejects.toThrow('a transaction pooler');
  });

  test('names the setting that one which pools sessions does not pass on', async () => {
    await using pooler = await startPooler('session');
    const refused = connect({ address: { url: pooler.url }, log: silentLog });
    expect(refused).rejects.toMatchObject({ code: 'environment' });
    expect(refused).rejects.toThrow('unsupported startup parameter');
  });

  test('accepts one that pools sessions and ignores those settings', async () => {
    await using pooler = await startPooler('session', SETTINGS_IGNORED);
    await using database = await connect({ address: { url: pooler.url }, log: silentLog });
    expect(await database.sql`select 1 as one`).toMatchObject([{ one: 1 }]);
  });
});

const SETTINGS_IGNORED =
  'ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout,extra_float_digits';

async function startPooler(
  mode: 'transaction' | 'session',
  more = '',
): Promise<AsyncDisposable & { url: string }> {
  const stack = new AsyncDisposableStack();
  const fresh = stack.use(await freshDatabase(debianServer));
  const { socketDirectory } = await debianServer.start();
  const folder = stack.use(await tempDir());
  const port = await freePort();
  const settings = join(folder.path, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]\n* = host=${socketDirectory} user=ktrdr\n[pgbouncer]\nlisten_addr = 127.0.0.1\n` +
      `listen_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = ${mode}\n${more}\n`,
  );
  await chmod(settings, 0o644);
  const user = unprivilegedUser();
  const child = Bun.spawn([PGBOUNCER, settings], {
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  stack.defer(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  const url = `postgres://ktrdr@127.0.0.1:${port}/${fresh.name}`;
  await waitUntil('pgbouncer', async () => {
    const sql = openPool({ url }, { max: 1, fetch_types: false });
    try {
      return await sql.unsafe('select 1');
    } finally {
      await sql.end({ timeout: 1 });
    }
  });
  return { url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
