import { beforeAll, expect, test } from 'bun:test';
import { silentLog } from '#agent/kit/log';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { connect } from './connect';
import { countLeases, readServerFacts } from './server-facts';

describeOnEachServer('server facts', (server) => {
  beforeAll(async () => void (await server.start()), 60_000);

  test('readServerFacts() reads what doctor judges', async () => {
    await using fresh = await freshDatabase(server);
    const facts = await readServerFacts(fresh.database.sql);
    expect(facts).toMatchObject({ readOnly: false, fsync: 'off', fullPageWrites: 'off' });
    expect(facts.version).toMatch(/^\d+\.\d+/);
    expect(Math.abs(facts.nowMs - performance.timeOrigin - performance.now())).toBeLessThan(10_000);
    expect(facts.databaseBytes).toBeGreaterThan(2 ** 20);
    expect(facts.connections).toBeGreaterThan(0);
    expect(facts.connectionsMax).toBeGreaterThanOrEqual(facts.connections);
  });

  test('readServerFacts() sees a database that takes no writes', async () => {
    await using fresh = await freshDatabase(server);
    const { sql } = fresh.database;
    await sql.unsafe(`alter database ${fresh.name} set default_transaction_read_only = on`);
    await using later = await connect({ address: { url: fresh.url }, log: silentLog });
    expect((await readServerFacts(later.sql)).readOnly).toBe(true);
  });

  test('countLeases() counts, and tells how long the oldest is overdue', async () => {
    await using fresh = await freshDatabase(server);
    const { sql } = fresh.database;
    expect(await countLeases(sql)).toEqual({ held: 0, overdueMs: 0 });
    await sql.unsafe(`
      set session_replication_role = replica;
      insert into lease (operation_id, epoch, node_id, nonce, until) values
        ('a', 1, 'n', gen_random_uuid(), now() + interval '1 minute'),
        ('b', 1, 'n', gen_random_uuid(), now() - interval '1 minute');
      set session_replication_role = default`);
    const { held, overdueMs } = await countLeases(sql);
    expect(held).toBe(2);
    expect(overdueMs).toBeGreaterThanOrEqual(60_000);
    expect(overdueMs).toBeLessThan(70_000);
  });
});
