import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { randomUUID } from 'node:crypto';
import type { Grant } from '#agent/contract/lease';
import { present } from '#agent/kit/assert';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import {
  addNode,
  addSingle,
  claim,
  expireAll,
  registration,
  report,
  sweepOverdue,
} from '#test/support/store-fleet';
import { waitUntil } from '#test/support/wait-until';
import { renewLeases } from './leases';
import { recordHeartbeat } from './nodes';
import { findOperation } from './operations';
import { recordResult } from './results';
import type { Sql } from './sql';

describeOnEachServer('leases', (server) => {
  let fresh: FreshDatabase;
  let first: string;
  let second: string;
  const database = () => fresh.database;

  beforeAll(async () => {
    fresh = await freshDatabase(server);
    first = await addNode(database(), 'first');
    second = await addNode(database(), 'second');
  });
  beforeEach(async () => {
    await database().sql`delete from operation`;
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  const one = async (nodeId: string): Promise<Grant> =>
    present((await claim(database(), nodeId)).grants[0], 'grant');
  const renew = (sql: Sql, nodeId: string, held: Grant[]) =>
    renewLeases(sql, { nodeId, leaseMs: 30_000 }, held);
  const beat = (nodeId: string, held: Grant[]) => database().sql.begin((sql) => renew(sql, nodeId, held));
  const find = async (id: string) => present(await findOperation(database().sql, id), id);
  const untilBlocked = (what: string) =>
    waitUntil(what, async () => {
      const waiting = await database().sql`
        select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
      return waiting.length > 0;
    });

  test('a lease that its agent got back was not lost: such outages do not add up', async () => {
    const id = await addSingle(database());
    const grant = await one(first);
    for (let outage = 0; outage < 25; outage++) {
      await expireAll(database());
      expect((await sweepOverdue(database())).taken).toEqual([id]);
      expect((await beat(first, [grant]))[0]?.state).toBe('renewed');
    }
    await expireAll(database());
    await sweepOverdue(database());
    expect(await report(database(), grant, first, 'completed')).toMatchObject({ accepted: true });
    expect(await find(id)).toMatchObject({ status: 'completed', attemptsLost: 0 });
  });

  test('a loss after an outage counts once', async () => {
    const id = await addSingle(database());
    const grant = await one(first);
    await expireAll(database());
    await sweepOverdue(database());
    expect((await find(id)).attemptsLost).toBe(1);
    await report(database(), grant, first, 'lost');
    expect((await find(id)).attemptsLost).toBe(1);
  });

  test('what was lost again waits, so that one sick node does not use up all of its losses', async () => {
    const id = await addSingle(database());
    const error = { code: 'lost', message: 'its shim died', retryable: true };
    const lost = { worker_id: first, outcome: 'lost', result: null, error, provenance: null } as const;
    const context = { summarize: () => ({}), retryDelayMs: () => 60_000, leaseMs: 30_000 };
    const lose = async (grant: Grant) =>
      await database().sql.begin((sql) => recordResult(sql, grant, lost, context));
    await lose(await one(first));
    expect((await find(id)).notBeforeInMs).toBe(0);
    await lose(await one(first));
    expect((await find(id)).notBeforeInMs).toBeGreaterThan(50_000);
    expect((await claim(database(), first)).grants).toEqual([]);
  });

  test('expireLease() leaves a lease that is being renewed', async () => {
    await addSingle(database());
    const grant = await one(first);
    await expireAll(database());
    const renewed = Promise.withResolvers<void>();
    const commit = Promise.withResolvers<void>();
    const renewing = database().sql.begin(async (sql) => {
      await renew(sql, first, [grant]);
      renewed.resolve();
      await commit.promise;
    });
    await renewed.promise;
    const sweeping = sweepOverdue(database());
    await untilBlocked('the sweep to wait for the heartbeat');
    commit.resolve();
    await renewing;
    expect((await sweeping).taken).toEqual([]);
    expect((await find(grant.operation_id)).status).toBe('running');
  });

  test('a repeated poll renews what it is answered, since the agent counts from its own sending', async () => {
    await addSingle(database());
    const nonce = randomUUID();
    await claim(database(), first, 1, nonce);
    await database().sql`update lease set until = now() + interval '3 seconds'`;
    expect((await claim(database(), first, 1, nonce)).grants).toHaveLength(1);
    const [lease] = await database().sql<{ leftMs: number }[]>`
      select extract(epoch from until - now())::float8 * 1000 as left_ms from lease`;
    expect(lease?.leftMs).toBeGreaterThan(29_000);
  });

  test('a grant that never arrived is missed also while an older epoch of it is held', async () => {
    const id = await addSingle(database());
    const old = await one(first);
    await report(database(), old, first, 'lost');
    await one(first);
    for (let round = 0; round < 2; round++) await beat(first, [old]);
    expect((await sweepOverdue(database())).taken).toEqual([id]);
  });

  test('a heartbeat that takes an attempt back and a poll of the same agent do not wait for each other', async () => {
    await addSingle(database());
    const grant = await one(first);
    await expireAll(database());
    await sweepOverdue(database());
    const { instance, slots, capabilities } = registration(first, 'first', 4);
    await database().sql`update node set instance = ${instance} where node_id = ${first}`;
    const heard = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const beating = database().sql.begin(async (sql) => {
      const load = { load1: null, memoryAvailableBytes: null };
      await recordHeartbeat(sql, first, { instance, slots, free_slots: 4, capabilities, load, leases: [] });
      heard.resolve();
      await goOn.promise;
      return await renew(sql, first, [grant]);
    });
    await heard.promise;
    const polling = claim(database(), first);
    await untilBlocked('the poll to wait for the heartbeat');
    goOn.resolve();
    expect((await beating)[0]?.state).toBe('renewed');
    expect((await polling).grants).toEqual([]);
    expect((await claim(database(), second)).grants).toEqual([]);
  });
});
