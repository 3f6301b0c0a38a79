import { expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { createLog } from '#agent/kit/log';
import { Changes } from '#control/schedule/changes';
import { placementNodes } from '#control/schedule/fleet';
import { place } from '#control/schedule/placement';
import { markStopped, upsertNode } from '#control/store/nodes';
import type { Database } from '#control/store/connect';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { addNode, addSingle, claim, registration, report, TIMES } from '#test/support/store-fleet';
import { drainHandlers } from './drain';

function handlersOn(database: Database) {
  const lines: string[] = [];
  const woken: number[] = [];
  const changed: string[] = [];
  const changes = new Changes();
  changes.subscribe(({ id }) => void changed.push(id));
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'info', format: 'json', write, nowMs: () => 0 });
  const wake = (): void => void woken.push(1);
  const { drainWorker, undrainWorker } = drainHandlers({ database, times: TIMES, changes, log, wake });
  const rest = { query: {}, request: new Request('http://127.0.0.1/'), signal: new AbortController().signal };
  const jsonOf = async (reply: ReturnType<typeof drainWorker>) => {
    const answer = await reply;
    if (answer instanceof Response) throw new Error('JSON was expected');
    return answer.data;
  };
  return {
    lines,
    woken,
    changed,
    drain: (worker_id: string, body: { reason: string; by?: string }) =>
      jsonOf(drainWorker({ params: { worker_id }, body, ...rest })),
    undrain: (worker_id: string) =>
      jsonOf(undrainWorker({ params: { worker_id }, body: { by: 'ann@nas' }, ...rest })),
  };
}

describeOnEachServer('a drain', (server) => {
  test('lets an agent finish what it has, and gives it nothing more until it ends', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { drain, undrain, woken, changed } = handlersOn(database);
    const node = await addNode(database, 'node');
    await addNode(database, 'other');
    for (let index = 0; index < 3; index++) await addSingle(database);
    const running = present((await claim(database, node)).grants[0], 'grant');

    const drained = await drain(node, { reason: 'new disk', by: 'ann@nas' });
    expect(drained).toMatchObject({
      status: 'temporarily_unavailable',
      verdict: { state: 'draining', cause: expect.stringMatching(/^new disk, for \d s$/) },
      draining: { reason: 'new disk', by: 'ann@nas' },
      operations: [{ operation_id: running.operation_id, epoch: running.epoch }],
      warnings: [],
    });
    expect((await claim(database, node, 4)).grants).toEqual([]);
    expect(await report(database, running, node, 'completed')).toMatchObject({ accepted: true });
    expect((await claim(database, node, 4)).grants).toEqual([]);

    expect(await undrain(node)).toMatchObject({ status: 'available', draining: null, warnings: [] });
    expect(woken).toHaveLength(1);
    expect(changed).toEqual([node, node]);
    expect((await claim(database, node, 4)).grants).toHaveLength(2);
  });

  test('answers a repeated poll with the grants it was promised before', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const node = await addNode(database, 'node');
    await addSingle(database);
    const nonce = crypto.randomUUID();
    const first = await claim(database, node, 1, nonce);
    await handlersOn(database).drain(node, { reason: 'new disk' });
    expect((await claim(database, node, 1, nonce)).grants).toEqual(first.grants);
  });

  test('is idempotent: another reason is taken, the time stays', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { drain, undrain, lines } = handlersOn(database);
    const node = await addNode(database, 'node');
    const first = await drain(node, { reason: 'new disk' });
    const again = await drain(node, { reason: 'new fan', by: 'bob@nas' });
    expect(again.draining).toEqual({
      reason: 'new fan',
      by: 'bob@nas',
      since: present(first.draining, 'drain').since,
    });
    expect((await undrain(node)).draining).toBeNull();
    expect((await undrain(node)).draining).toBeNull();
    // The second end of it is nothing that happened.
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { message: 'worker drains', worker: 'node', reason: 'new disk', held: 0 },
      { message: 'the reason of a drain changed', reason: 'new fan', by: 'bob@nas' },
      { message: 'worker drains no longer', by: 'ann@nas', reason: 'new fan' },
    ]);
  });

  test('survives a restart of the agent, and shows beside other troubles', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { drain } = handlersOn(database);
    const node = await addNode(database, 'node');
    const stayed = registration(node, 'node', 4);
    await upsertNode(database.sql, stayed);
    await drain(node, { reason: 'new disk' });
    await markStopped(database.sql, node, stayed.instance);
    const stopped = await drain(node, { reason: 'new disk' });
    expect(stopped.verdict).toMatchObject({
      state: 'stopped',
      cause: expect.stringContaining('draining: new disk'),
    });
    await upsertNode(database.sql, registration(node, 'node', 4));
    await addSingle(database);
    expect((await claim(database, node)).grants).toEqual([]);
  });

  test('of the last agent warns, and placement says how to end it', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { drain } = handlersOn(database);
    const [one, two] = [await addNode(database, 'one'), await addNode(database, 'two')];
    expect((await drain(one, { reason: 'a' })).warnings).toEqual([]);
    expect((await drain(two, { reason: 'b' })).warnings[0]).toContain('no other agent takes work');
    const needs = { cores: 1, memoryBytes: 1, gpu: 'none' as const };
    const { possible, refusals } = place(needs, await placementNodes(database.sql, TIMES));
    expect(possible).toBe(false);
    expect(refusals[0]).toMatchObject({
      reason: expect.stringMatching(/^draining: a, for/),
      fix: 'ktrdr-agent undrain one ends the drain; or start another agent',
    });
  });

  test('of nobody is refused', async () => {
    await using fresh = await freshDatabase(server);
    const { drain, undrain } = handlersOn(fresh.database);
    await expect(drain('0'.repeat(32), { reason: 'a' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(undrain('0'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
  });
});
