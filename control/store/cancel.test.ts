import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import type { Grant } from '#agent/contract/lease';
import { present } from '#agent/kit/assert';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { addNode, addSweep, claim, report, reportUnits } from '#test/support/store-fleet';
import { waitUntil } from '#test/support/wait-until';
import { cancelOperation, retryOperation } from './cancel';
import { recordResult } from './results';
import { findOperation, listOperations } from './operations';

describeOnEachServer('cancelling and retrying', (server) => {
  let fresh: FreshDatabase;
  let node: string;
  const database = () => fresh.database;

  beforeAll(async () => {
    fresh = await freshDatabase(server);
    node = await addNode(database(), 'node');
  });
  beforeEach(async () => {
    await database().sql`delete from operation`;
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  const one = async (): Promise<Grant> => present((await claim(database(), node)).grants[0], 'grant');
  const find = async (id: string) => present(await findOperation(database().sql, id), id);
  const batches = async (parentId: string) =>
    (await listOperations(database().sql, { parentId, activeOnly: false, limit: 1000, offset: 0 })).rows;
  const cancel = (id: string, force = false) =>
    database().sql.begin((sql) => cancelOperation(sql, id, { reason: 'test', force }));
  const retry = (id: string) => database().sql.begin((sql) => retryOperation(sql, id));
  const finish = async (grant: Grant): Promise<void> => {
    const { from, to, done } = present(grant.units, 'units');
    const missing = Array.from({ length: to - from }, (_, index) => from + index);
    await reportUnits(
      database(),
      grant,
      node,
      missing.filter((unit) => !done.includes(unit)),
    );
    await report(database(), grant, node, 'completed');
  };

  test('retryOperation() completes a cancelled sweep whose last batches had finished all the same', async () => {
    const sweep = await addSweep(database(), 2, 2);
    const grant = await one();
    await cancel(sweep);
    await finish(grant);
    expect(await find(sweep)).toMatchObject({ status: 'cancelled', unitsDone: 2 });
    await retry(sweep);
    expect(await find(sweep)).toMatchObject({ status: 'completed', unitsDone: 2 });
  });

  test('retryOperation() of one batch opens its sweep again, which ends with it', async () => {
    const sweep = await addSweep(database(), 4, 2);
    const bad = await one();
    await finish(await one());
    for (const grant of [bad, undefined, undefined])
      await report(database(), grant ?? (await one()), node, 'failed');
    expect((await find(sweep)).status).toBe('failed');
    await retry(bad.operation_id);
    expect((await find(sweep)).status).toBe('resuming');
    await finish(await one());
    expect(await find(sweep)).toMatchObject({ status: 'completed', unitsDone: 4, error: null });
  });

  test('cancelOperation() of the last waiting batch ends its sweep', async () => {
    const sweep = await addSweep(database(), 4, 2);
    await finish(await one());
    const waiting = present(
      (await batches(sweep)).find((row) => row.status === 'pending'),
      'a waiting batch',
    );
    await cancel(waiting.operationId);
    const row = await find(sweep);
    expect(row).toMatchObject({ status: 'failed', unitsDone: 2 });
    expect(row.error?.message).toContain('was cancelled');
    await retry(sweep);
    await finish(await one());
    expect((await find(sweep)).status).toBe('completed');
  });

  test('cancelOperation() also reaches the half of a batch that is split while it waits for the lock', async () => {
    const sweep = await addSweep(database(), 8, 8);
    const grant = await one();
    const halved = Promise.withResolvers<void>();
    const split = Promise.withResolvers<void>();
    const crashing = database().sql.begin(async (sql) => {
      await recordResult(
        sql,
        grant,
        { worker_id: node, outcome: 'crashed', result: null, error: null, provenance: null },
        { summarize: (result) => result, retryDelayMs: () => 0, leaseMs: 30_000 },
      );
      halved.resolve();
      await split.promise;
    });
    await halved.promise;
    const cancelling = cancel(sweep);
    await waitUntil('the cancellation to wait for the lock of the batch', async () => {
      const waiting = await database().sql`
        select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
      return waiting.length > 0;
    });
    split.resolve();
    await crashing;
    await cancelling;
    expect((await batches(sweep)).map((row) => row.status)).toEqual(['cancelled', 'cancelled']);
    expect((await find(sweep)).status).toBe('cancelled');
    expect((await claim(database(), node)).grants).toEqual([]);
  });
});
