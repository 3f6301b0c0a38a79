import { expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { freePort } from '#test/support/free-port';
import { waitUntil } from '#test/support/wait-until';
import { connect } from './connect';

describeOnEachServer('connect()', (server) => {
  test('gives rows camelCase columns and values without loss', async () => {
    await using fresh = await freshDatabase(server);
    const rows = await fresh.database.sql`
      select 9007199254740991::int8 as big_integer, sum(x) as sum_of, avg(x) as mean_of,
        timestamptz '2000-01-03 09:30:00.000001-05' as at_time, date '2000-01-03' as on_day,
        '{"snake_key": 1}'::jsonb as json_value, array[1, 2]::int8[] as id_list, null::int8 as no_value
      from (values (1::int8), (2::int8)) as t (x)`;
    expect(rows[0]).toEqual({
      bigInteger: 9007199254740991,
      sumOf: 3,
      meanOf: 1.5,
      atTime: '2000-01-03T14:30:00.000001Z',
      onDay: '2000-01-03',
      jsonValue: { snake_key: 1 },
      idList: [1, 2],
      noValue: null,
    });
  });

  test('stops at an integer that a number cannot hold', async () => {
    await using fresh = await freshDatabase(server);
    expect(fresh.database.sql`select 9007199254740993::int8`.execute()).rejects.toThrow('does not fit');
  });

  test('takes strings, dates and bigints as parameters', async () => {
    await using fresh = await freshDatabase(server);
    const rows = await fresh.database.sql`
      select ${'2000-01-03T00:00:00.000001Z'}::timestamptz as exact,
        ${new Date(0)}::timestamptz as epoch, ${2n ** 53n - 1n}::int8 as big`;
    expect(rows[0]).toEqual({
      exact: '2000-01-03T00:00:00.000001Z',
      epoch: '1970-01-01T00:00:00Z',
      big: Number.MAX_SAFE_INTEGER,
    });
  });

  test('rejects with Fault(timeout) when a statement takes too long', async () => {
    await using fresh = await freshDatabase(server, { statementTimeoutMs: 50 });
    expect(fresh.database.sql`select pg_sleep(10)`.execute()).rejects.toMatchObject({ code: 'timeout' });
    expect(fresh.database.sql.begin((sql) => sql`select pg_sleep(10)`)).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  test('rejects with Fault(unavailable) when the connection is lost, and works again after', async () => {
    await using fresh = await freshDatabase(server, { connectionsMax: 1 });
    const { sql } = fresh.database;
    await using other = await connect({ address: { url: fresh.url }, log: silentLog, connectionsMax: 1 });
    const terminate = (): Promise<boolean> =>
      other.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query like '%pg_sleep(9)%' and pid <> pg_backend_pid()`.then(
        (rows) => rows.length > 0,
      );
    const alone = sql`select pg_sleep(9)`.catch((error: unknown) => error);
    await waitUntil('the statement to run', terminate);
    expect(await alone).toMatchObject({ code: 'unavailable' });
    await waitUntil('a new connection', () => sql`select 1`);
    const within = sql.begin((inner) => inner`select pg_sleep(9)`).catch((error: unknown) => error);
    await waitUntil('the transaction to run', terminate);
    expect(await within).toMatchObject({ code: 'unavailable' });
    await waitUntil('a new connection', () => sql`select 1`);
  });

  test('runs no statement of a lost transaction on another connection', async () => {
    await using fresh = await freshDatabase(server, { connectionsMax: 1 });
    const { sql } = fresh.database;
    await sql`create table written (id integer)`;
    const pool = Promise.withResolvers<void>();
    const work = sql.begin(async (inner) => {
      const rows = await inner<{ pid: number }[]>`select pg_backend_pid() as pid`;
      await using other = await connect({ address: { url: fresh.url }, log: silentLog, connectionsMax: 1 });
      const waiting = waitUntil('another connection', () => sql`select 1`);
      await other.sql`select pg_terminate_backend(${rows[0]?.pid ?? 0})`;
      await waiting;
      await inner`insert into written values (1)`.catch(() => pool.resolve());
    });
    expect(work).rejects.toMatchObject({ code: 'unavailable' });
    await work.catch(() => undefined);
    await pool.promise;
    expect(await sql`select * from written`).toHaveLength(0);
  });

  test('leaves errors of statements as they are', async () => {
    await using fresh = await freshDatabase(server);
    expect(fresh.database.sql`select 1 / 0`.execute()).rejects.toMatchObject({ code: '22012' });
    expect(fresh.database.sql.unsafe('nonsense').execute()).rejects.toMatchObject({ code: '42601' });
  });

  test('names a database that does not exist', async () => {
    await using fresh = await freshDatabase(server);
    const wrong = fresh.url.replace(fresh.name, 'no_such');
    const refused = connect({ address: { url: wrong }, log: silentLog });
    expect(refused).rejects.toMatchObject({ code: 'settings' });
    expect(refused).rejects.toThrow('the database no_such at');
  });
});

test('connect() says when nobody answers, without the password', async () => {
  const url = `postgres://someone:topsecret@127.0.0.1:${await freePort()}/some`;
  const error: unknown = await connect({ address: { url }, log: silentLog }).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(Fault);
  expect(error).toMatchObject({ code: 'unavailable' });
  expect(Bun.inspect(error, { depth: 10 })).not.toContain('topsecret');
});

test('connect() refuses what is no URL of PostgreSQL, without repeating it', async () => {
  for (const url of ['mysql://user:topsecret@host/db', 'topsecret', 'postgres://[topsecret']) {
    const error: unknown = await connect({ address: { url }, log: silentLog }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({ code: 'settings' });
    expect(Bun.inspect(error, { depth: 10 })).not.toContain('topsecret');
  }
});
