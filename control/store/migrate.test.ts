import { expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { migrate } from './migrate';
import type { Migration } from './migrations/registry';

const FIRST: Migration = { number: 1, name: '0001-one', text: 'create table one (id integer)' };
const SECOND: Migration = { number: 2, name: '0002-two', text: 'create table two (id integer)' };

describeOnEachServer('migrate()', (server) => {
  /** The template is migrated; these tests start from nothing. */
  async function emptyDatabase() {
    const fresh = await freshDatabase(server);
    await fresh.database.sql.unsafe('drop schema public cascade; create schema public');
    return fresh;
  }

  test('applies what is missing, once', async () => {
    await using fresh = await emptyDatabase();
    expect(await migrate(fresh.database, [FIRST])).toEqual(['0001-one']);
    expect(await migrate(fresh.database, [FIRST, SECOND])).toEqual(['0002-two']);
    expect(await migrate(fresh.database, [FIRST, SECOND])).toEqual([]);
    expect(await fresh.database.sql`select * from two`).toHaveLength(0);
  });

  test('applies each migration once when several control planes start together', async () => {
    await using fresh = await emptyDatabase();
    const applied = await Promise.all([1, 2, 3].map(() => migrate(fresh.database, [FIRST, SECOND])));
    expect(applied.flat().toSorted()).toEqual(['0001-one', '0002-two']);
  });

  test('applies nothing when one of the pending migrations fails', async () => {
    await using fresh = await emptyDatabase();
    const broken = { ...SECOND, text: 'create table two (id nonsense)' };
    expect(migrate(fresh.database, [FIRST, broken])).rejects.toThrow('0002-two failed');
    const found = await fresh.database.sql`select to_regclass('one') as one`;
    expect(found[0]?.['one']).toBeNull();
  });

  test('refuses a migration that was changed after it was applied', async () => {
    await using fresh = await emptyDatabase();
    await migrate(fresh.database, [FIRST]);
    const changed = migrate(fresh.database, [{ ...FIRST, text: 'create table one (id bigint)' }]);
    expect(changed).rejects.toThrow('its migration 0001-one is not the 0001-one of this binary');
  });

  test('refuses a newer breaking schema and names both versions', async () => {
    await using fresh = await emptyDatabase();
    await migrate(fresh.database, [FIRST, { ...SECOND, text: `-- breaking\n${SECOND.text}` }]);
    const error: unknown = await migrate(fresh.database, [FIRST]).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(Fault);
    expect(error).toMatchObject({ code: 'environment', details: { found: 2, known: 1 } });
    expect(String(error)).toContain('0002-two');
  });

  test('works with a newer schema that is not breaking', async () => {
    await using fresh = await emptyDatabase();
    await migrate(fresh.database, [FIRST, SECOND]);
    expect(await migrate(fresh.database, [FIRST])).toEqual([]);
  });
});
