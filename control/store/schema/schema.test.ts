import { beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { catalogText, parseCatalog, readCatalog } from './catalog';
import { compareCatalogs } from './drift';
import { readDrift } from './read-drift';

/** `UPDATE_GOLDEN=1 bun test control/store/schema` writes it anew after a migration. */
const GOLDEN = join(import.meta.dirname, 'schema.txt');

const DAMAGES = [
  ['drop index lease_until', 'index lease_until of lease is missing: btree (until)'],
  [
    'alter table unit_result drop constraint unit_result_pkey',
    'constraint unit_result_pkey of unit_result is missing: PRIMARY KEY (sweep_id, unit_index)',
  ],
  ['alter table node add column foo text', 'column node.foo is not of ours: text'],
  ['create index of_others on node (name)', 'index of_others of node is not of ours: btree (name)'],
  ['create index "Of Others" on node (name)', 'index Of Others of node is not of ours: btree (name)'],
  ['alter table node drop column label', 'column node.label is missing: text'],
  [
    'drop index lease_until; create index lease_until on lease (granted_at)',
    'index lease_until of lease is "btree (granted_at)" instead of "btree (until)"',
  ],
] as const;

describeOnEachServer('the schema', (server) => {
  // The first to start it pays for initdb.
  beforeAll(async () => void (await server.start()), 60_000);

  test('of the migrations equals schema.txt', async () => {
    await using fresh = await freshDatabase(server);
    const text = catalogText(await readCatalog(fresh.database.sql));
    if (process.env['UPDATE_GOLDEN'] === '1' && server.name.includes('embedded'))
      await Bun.write(GOLDEN, text);
    expect(text).toBe(await Bun.file(GOLDEN).text());
    expect(parseCatalog(text).length).toBeGreaterThan(100);
    expect(compareCatalogs(await readCatalog(fresh.database.sql), parseCatalog(text))).toEqual([]);
  });

  test.each(DAMAGES)('%s: said, and mended by the statement that is named', async (damage, sentence) => {
    await using fresh = await freshDatabase(server);
    const { sql } = fresh.database;
    await sql.unsafe(damage);
    const { drifts } = await readDrift(fresh.database);
    expect(drifts).toHaveLength(1);
    const [drift] = drifts;
    expect(drift?.sentence).toContain(sentence);
    expect(drift?.sql).not.toBeNull();
    await sql.unsafe(drift?.sql ?? '');
    expect((await readDrift(fresh.database)).drifts).toEqual([]);
  });

  test('tables, views and partitions of others are not drift', async () => {
    await using fresh = await freshDatabase(server);
    await fresh.database.sql.unsafe(`
      create table notes (note text primary key);
      create index notes_upper on notes (upper(note));
      create view recent as select operation_id from operation;
      create table bar_2024 partition of bar for values from ('2024-01-01') to ('2025-01-01')`);
    expect((await readDrift(fresh.database)).drifts).toEqual([]);
  });

  test('a table that is gone is said once, without its columns', async () => {
    await using fresh = await freshDatabase(server);
    await fresh.database.sql`drop table log_line`;
    const { drifts } = await readDrift(fresh.database);
    expect(drifts).toEqual([{ sentence: 'table log_line is missing', severity: 'broken', sql: null }]);
  });

  test('a migration that was changed after it was applied, and a newer one, are told', async () => {
    await using fresh = await freshDatabase(server);
    const { sql } = fresh.database;
    await sql`update schema_migration set checksum = 'other' where number = 2`;
    await sql`insert into schema_migration values (9001, '9001-later', 'x', false, '9.9.9')`;
    const { changed, newer } = await readDrift(fresh.database);
    expect(changed).toEqual(['0002-bars']);
    expect(newer).toEqual({ name: '9001-later', appliedBy: '9.9.9' });
  });
});
