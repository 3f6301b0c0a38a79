import { afterAll, beforeAll, expect, test } from 'bun:test';
import { randomUUID } from 'node:crypto';
import { present } from '#agent/kit/assert';
import type { Grant } from '#agent/contract/lease';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import {
  addNode,
  addSingle,
  addSweep,
  claim,
  expireAll,
  report,
  reportMetrics,
  reportUnits,
  sweepOverdue,
} from '#test/support/store-fleet';
import { cancelOperation, retryOperation } from './cancel';
import { renewLeases } from './leases';
import { findOperation, listOperations } from './operations';
import { chooseInWindows, hashUnits, rankUnits, summarizeTrials } from './unit-ranking';

describeOnEachServer('the store of work', (server) => {
  let fresh: FreshDatabase;
  let first: string;
  let second: string;
  const database = () => fresh.database;

  beforeAll(async () => {
    fresh = await freshDatabase(server);
    first = await addNode(database(), 'first');
    second = await addNode(database(), 'second');
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  const sweepNow = (takeBack = true) => sweepOverdue(database(), takeBack);
  const one = async (nodeId: string): Promise<Grant> =>
    present((await claim(database(), nodeId)).grants[0], 'grant');
  const beat = (nodeId: string, held: Grant[]) =>
    database().sql.begin((sql) => renewLeases(sql, { nodeId, leaseMs: 30_000 }, held));
  const find = async (id: string) => present(await findOperation(database().sql, id), id);
  const drain = async (): Promise<void> => {
    await database().sql`delete from operation`;
  };

  test('claimFor() gives an operation to one node only', async () => {
    await drain();
    const id = await addSingle(database());
    const [a, b] = await Promise.all([claim(database(), first), claim(database(), second)]);
    expect([...a.grants, ...b.grants].map((grant) => grant.operation_id)).toEqual([id]);
  });

  test('claimFor() answers a repeated nonce with the same grants', async () => {
    await drain();
    await addSingle(database());
    await addSingle(database());
    const nonce = randomUUID();
    const once = await claim(database(), first, 1, nonce);
    const again = await claim(database(), first, 1, nonce);
    expect(again.grants).toEqual(once.grants);
    expect(once.grants).toHaveLength(1);
  });

  test('claimFor() takes the higher priority first, and passes over what the node cannot run', async () => {
    await drain();
    await addSingle(database(), { needs: { cores: 64, memoryBytes: 1, gpu: 'none' }, priority: 20 });
    await addSingle(database(), { priority: 3 });
    const data = await addSingle(database(), { priority: 10 });
    expect((await one(first)).operation_id).toBe(data);
  });

  test('recordResult() accepts one result: a repeat is a duplicate, another epoch is stale', async () => {
    await drain();
    const id = await addSingle(database());
    const old = await one(first);
    await expireAll(database());
    expect((await sweepNow()).taken).toEqual([id]);
    const grant = await one(second);
    expect(grant.epoch).toBe(old.epoch + 1);
    await expect(report(database(), old, first, 'completed')).rejects.toMatchObject({ code: 'stale_epoch' });
    expect(await report(database(), grant, second, 'completed')).toEqual({
      accepted: true,
      duplicate: false,
    });
    expect(await report(database(), grant, second, 'completed')).toEqual({
      accepted: false,
      duplicate: true,
    });
    await expect(report(database(), grant, first, 'completed')).rejects.toMatchObject({
      code: 'stale_epoch',
    });
    expect((await find(id)).status).toBe('completed');
  });

  test('an expired lease that nobody else was given is renewed at the same epoch', async () => {
    await drain();
    const id = await addSingle(database());
    const grant = await one(first);
    await expireAll(database());
    await sweepNow();
    expect((await find(id)).status).toBe('resuming');
    const [held] = await beat(first, [grant]);
    expect(held).toMatchObject({ state: 'renewed', epoch: grant.epoch });
    expect((await find(id)).status).toBe('running');
    expect((await claim(database(), second)).grants).toEqual([]);
    expect(await report(database(), grant, first, 'completed')).toMatchObject({ accepted: true });
  });

  test('renewLeases() says that a lease which another node has is lost', async () => {
    await drain();
    await addSingle(database());
    const old = await one(first);
    await expireAll(database());
    await sweepNow();
    await one(second);
    const [held] = await beat(first, [old]);
    expect(held?.state).toBe('lost');
  });

  test('a grant that two heartbeats do not list goes back, without using up an attempt', async () => {
    await drain();
    const id = await addSingle(database());
    await one(first);
    for (let round = 0; round < 2; round++) {
      expect((await sweepNow()).taken).toEqual([]);
      await beat(first, []);
    }
    expect((await sweepNow()).taken).toEqual([id]);
    expect(await find(id)).toMatchObject({ status: 'resuming', attemptsFailed: 0, attemptsLost: 1 });
  });

  test('nothing is taken back while leases are held', async () => {
    await drain();
    await addSingle(database());
    await one(first);
    await expireAll(database());
    expect((await sweepNow(false)).taken).toEqual([]);
  });

  test('recordUnits() accepts each unit once, also when the batch moved to another node', async () => {
    await drain();
    const sweep = await addSweep(database(), 10, 10);
    const old = await one(first);
    expect(await reportUnits(database(), old, first, [0, 1, 2])).toMatchObject({ inserted: 3 });
    expect(await reportUnits(database(), old, first, [1, 2, 3])).toMatchObject({ inserted: 1 });
    await expireAll(database());
    await sweepNow();
    const grant = await one(second);
    expect(grant.units).toEqual({ from: 0, to: 10, done: [0, 1, 2, 3] });
    await expect(reportUnits(database(), old, first, [4])).rejects.toMatchObject({ code: 'stale_epoch' });
    await expect(reportUnits(database(), grant, second, [10])).rejects.toMatchObject({ code: 'invalid' });
    await reportUnits(database(), grant, second, [4, 5, 6, 7, 8, 9]);
    await report(database(), grant, second, 'completed');
    expect(await find(sweep)).toMatchObject({ status: 'completed', unitsDone: 10 });
  });

  test('a batch that ends without all of its units is not complete', async () => {
    await drain();
    const sweep = await addSweep(database(), 4, 4);
    const grant = await one(first);
    await reportUnits(database(), grant, first, [0, 1]);
    await report(database(), grant, first, 'completed');
    expect(await find(sweep)).toMatchObject({ status: 'running', unitsDone: 2 });
    expect((await one(first)).units).toEqual({ from: 0, to: 4, done: [0, 1] });
  });

  test('finishParent() lets the last of many batches that end at once complete the sweep', async () => {
    await drain();
    const sweep = await addSweep(database(), 8, 1);
    const { grants } = await claim(database(), first, 8);
    expect(grants).toHaveLength(8);
    await Promise.all(
      grants.map(async (grant) => {
        await reportUnits(database(), grant, first, [present(grant.units, 'units').from]);
        await report(database(), grant, first, 'completed');
      }),
    );
    expect(await find(sweep)).toMatchObject({ status: 'completed', unitsDone: 8 });
  });

  test('halveBatch() finds the unit that kills its process, and only that one has no result', async () => {
    await drain();
    const sweep = await addSweep(database(), 100, 100);
    const poison = 37;
    for (let attempt = 0; attempt < 40 && (await find(sweep)).status !== 'failed'; attempt++) {
      const { grants } = await claim(database(), first);
      for (const grant of grants) {
        const { from, to, done } = present(grant.units, 'units');
        const missing = Array.from({ length: to - from }, (_, i) => from + i).filter(
          (unit) => !done.includes(unit),
        );
        const before = missing.slice(0, missing.includes(poison) ? missing.indexOf(poison) : missing.length);
        if (before.length > 0) await reportUnits(database(), grant, first, before);
        await report(database(), grant, first, missing.includes(poison) ? 'crashed' : 'completed');
      }
    }
    const row = await find(sweep);
    expect(row).toMatchObject({ status: 'failed', unitsDone: 99 });
    expect(row.error?.message).toContain(`unit ${poison}: it crashed`);
    await retryOperation(database().sql, sweep);
    const grant = await one(second);
    await reportUnits(database(), grant, second, [poison]);
    await report(database(), grant, second, 'completed');
    expect(await find(sweep)).toMatchObject({ status: 'completed', unitsDone: 100 });
  });

  test('crashes use up attempts, lost workers do not', async () => {
    await drain();
    const id = await addSingle(database());
    for (let loss = 0; loss < 5; loss++) await report(database(), await one(first), first, 'lost');
    expect(await find(id)).toMatchObject({ status: 'resuming', attemptsFailed: 0, attemptsLost: 5 });
    for (let crash = 0; crash < 3; crash++) await report(database(), await one(first), first, 'crashed');
    expect(await find(id)).toMatchObject({ status: 'failed', attemptsFailed: 3 });
  });

  test('a worker lost more than twenty times fails the operation and says so', async () => {
    await drain();
    const id = await addSingle(database());
    for (let loss = 0; loss <= 20; loss++) await report(database(), await one(first), first, 'lost');
    expect((await find(id)).error?.message).toBe('it lost its worker 21 times');
  });

  test('cancelOperation() ends what waits at once and asks for what runs', async () => {
    await drain();
    const sweep = await addSweep(database(), 3, 1);
    const grant = await one(first);
    await database().sql.begin((sql) => cancelOperation(sql, sweep, { reason: 'test', force: false }));
    const children = await listOperations(database().sql, {
      parentId: sweep,
      activeOnly: false,
      limit: 9,
      offset: 0,
    });
    expect(children.rows.map((row) => row.status).toSorted()).toEqual(['cancelled', 'cancelled', 'running']);
    expect((await claim(database(), first)).cancel).toEqual([
      { operation_id: grant.operation_id, epoch: grant.epoch },
    ]);
    await report(database(), grant, first, 'cancelled');
    expect((await find(sweep)).status).toBe('cancelled');
    await expect(
      database().sql.begin((sql) => cancelOperation(sql, sweep, { reason: null, force: false })),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('cancelOperation() with force refuses what the worker still reports', async () => {
    await drain();
    const sweep = await addSweep(database(), 2, 2);
    const grant = await one(first);
    await database().sql.begin((sql) => cancelOperation(sql, sweep, { reason: null, force: true }));
    expect((await find(sweep)).status).toBe('cancelled');
    await expect(reportUnits(database(), grant, first, [0])).rejects.toMatchObject({ code: 'stale_epoch' });
  });

  test('rankUnits() orders by a metric, ties by index; hashUnits() does not depend on the order of arrival', async () => {
    await drain();
    const hashes: (string | null)[] = [];
    for (const order of [
      [0, 1, 2, 3],
      [3, 1, 0, 2],
    ]) {
      const sweep = await addSweep(database(), 4, 4);
      const grant = await one(first);
      for (const unit of order) await reportUnits(database(), grant, first, [unit]);
      const best = {
        metric: 'sharpe_ratio',
        higherIsBetter: true,
        order: 'best',
        limit: 2,
        offset: 0,
      } as const;
      const ranked = await rankUnits(database().sql, sweep, best);
      expect(ranked.map((unit) => [unit.rank, unit.unitIndex])).toEqual([
        [1, 2],
        [2, 1],
      ]);
      hashes.push(await hashUnits(database().sql, sweep));
      await report(database(), grant, first, 'completed');
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0] ?? '');
  });

  test('summarizeTrials() counts units, and the mean and spread of the Sharpe ratios that there are', async () => {
    await drain();
    const sweep = await addSweep(database(), 5, 5);
    const grant = await one(first);
    const nothing = { trialCount: 0, sharpeCount: 0, sharpeMean: null, sharpeVariance: null };
    expect(await summarizeTrials(database().sql, sweep)).toEqual(nothing);
    const ratios = [0.5, null, -0.25, 1];
    await reportMetrics(
      database(),
      grant,
      first,
      ratios.map((ratio) => ({ sharpe_ratio: ratio })),
    );
    const summary = await summarizeTrials(database().sql, sweep);
    expect(summary).toMatchObject({ trialCount: 4, sharpeCount: 3 });
    expect(summary.sharpeMean).toBeCloseTo(1.25 / 3, 12);
    expect(summary.sharpeVariance).toBeCloseTo(0.39583333, 7);
  });

  test('chooseInWindows() takes the best training of each window, ties to the lower index', async () => {
    await drain();
    const sweep = await addSweep(database(), 8, 8);
    const grant = await one(first);
    const trained: Array<[window: number, ratio: number | null]> = [
      [0, 1],
      [0, 3],
      [1, 2],
      [1, 2],
      [1, null],
      [2, null],
      [10, -1],
    ];
    const units = trained.map(([window, ratio]) => ({ window, 'train.sharpe_ratio': ratio }));
    await reportMetrics(database(), grant, first, units);
    const by = { metric: 'train.sharpe_ratio', higherIsBetter: true };
    const indices = async (ranking: typeof by) =>
      (await chooseInWindows(database().sql, sweep, ranking)).map(({ unitIndex }) => unitIndex);
    expect(await indices(by)).toEqual([1, 2, 6]);
    expect(await indices({ ...by, higherIsBetter: false })).toEqual([0, 2, 6]);
    expect(await indices({ ...by, metric: 'train.luck' })).toEqual([]);
  });
});
