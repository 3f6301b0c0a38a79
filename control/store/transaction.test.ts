import { expect, test } from 'bun:test';
import { freshDatabase } from '#test/support/database';
import { transaction } from './transaction';

test('transaction() runs again what PostgreSQL ended to resolve a deadlock', async () => {
  await using fresh = await freshDatabase();
  const { database } = fresh;
  await database.sql`create table counter (id int primary key, value int not null)`;
  await database.sql`insert into counter values (1, 0), (2, 0)`;
  const bothHoldOne = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  let runs = 0;
  const increment = async (order: readonly [number, number], own: 0 | 1): Promise<void> => {
    await transaction(database, async (sql) => {
      runs++;
      await sql`update counter set value = value + 1 where id = ${order[0]}`;
      bothHoldOne[own].resolve();
      await Promise.all(bothHoldOne.map(({ promise }) => promise));
      await sql`update counter set value = value + 1 where id = ${order[1]}`;
    });
  };
  await Promise.all([increment([1, 2], 0), increment([2, 1], 1)]);
  expect(runs).toBe(3);
  const rows = await database.sql<{ value: number }[]>`select value from counter`;
  expect(rows.map((row) => row.value)).toEqual([2, 2]);
});

test('transaction() does not run again what failed otherwise', async () => {
  await using fresh = await freshDatabase();
  let runs = 0;
  const failing = transaction(fresh.database, async (sql) => {
    runs++;
    return await sql`select 1 / 0`;
  });
  await expect(failing).rejects.toMatchObject({ code: '22012' });
  expect(runs).toBe(1);
});
