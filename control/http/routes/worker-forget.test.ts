import { expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { silentLog } from '#agent/kit/log';
import { Changes } from '#control/schedule/changes';
import type { Database } from '#control/store/connect';
import { findNode, listNodes, recordHeartbeat, upsertNode } from '#control/store/nodes';
import { listAttempts } from '#control/store/operations';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import {
  addNode,
  addSingle,
  claim,
  registration,
  report,
  TIMES,
  transactionOn,
} from '#test/support/store-fleet';
import { workerForgetHandlers } from './worker-forget';

function forgetOn(database: Database) {
  const changed: string[] = [];
  const changes = new Changes();
  changes.subscribe(({ id }) => void changed.push(id));
  const transaction = transactionOn(database);
  const { forgetWorker } = workerForgetHandlers({ transaction, times: TIMES, changes, log: silentLog });
  const request = new Request('http://127.0.0.1/');
  const { signal } = new AbortController();
  const forget = async (worker_id: string) => {
    const answer = await forgetWorker({ params: { worker_id }, query: {}, body: undefined, request, signal });
    if (answer instanceof Response) throw new Error('JSON was expected');
    return answer.data;
  };
  return { forget, changed };
}

async function age(database: Database, nodeId: string): Promise<void> {
  const age = `${TIMES.leaseMs + 1000} ms`;
  await database.sql`update node set heartbeat_at = now() - ${age}::interval where node_id = ${nodeId}`;
}

describeOnEachServer('forgetting a worker', (server) => {
  test('leaves it out everywhere, and its attempts keep its name', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { forget, changed } = forgetOn(database);
    const node = await addNode(database, 'gone');
    const id = await addSingle(database);
    await report(database, present((await claim(database, node)).grants[0], 'grant'), node, 'completed');
    await age(database, node);

    expect(await forget(node)).toEqual({ worker_id: node, name: 'gone' });
    // Asked again, nothing more happens.
    expect(await forget(node)).toEqual({ worker_id: node, name: 'gone' });
    expect(changed).toEqual([node]);
    expect(await listNodes(database.sql)).toEqual([]);
    expect(await findNode(database.sql, node)).toBeUndefined();
    expect(await listAttempts(database.sql, id)).toMatchObject([{ nodeName: 'gone' }]);
    await expect(claim(database, node)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is refused while it is there, has only just stopped, or holds work', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { forget } = forgetOn(database);
    const node = await addNode(database, 'busy');
    await expect(forget(node)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/^Cannot forget busy: it is there, its last heartbeat came \d s ago$/),
      hint: expect.stringContaining('not heard of for 30 s'),
    });
    await database.sql`update node set stopped_at = now() where node_id = ${node}`;
    await expect(forget(node)).rejects.toThrow('it has only just stopped');
    await database.sql`update node set stopped_at = null where node_id = ${node}`;
    const id = await addSingle(database);
    await claim(database, node);
    await age(database, node);
    await expect(forget(node)).rejects.toMatchObject({
      code: 'conflict',
      message: `Cannot forget busy: it holds ${id}`,
      hint: expect.stringContaining(`cancel --force ${id}`),
    });
    await expect(forget('f'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
    expect(await listNodes(database.sql)).toHaveLength(1);
  });

  test('ends when it registers again; what was on its way after its goodbye does not end it', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const { forget } = forgetOn(database);
    const node = await addNode(database, 'back');
    const stopped = registration(node, 'back', 4);
    await upsertNode(database.sql, stopped);
    await database.sql`update node set stopped_at = now() where node_id = ${node}`;
    await age(database, node);
    await forget(node);
    await upsertNode(database.sql, stopped);
    expect(await findNode(database.sql, node)).toBeUndefined();
    const { instance, slots, capabilities } = stopped;
    const load = { load1: null, memoryAvailableBytes: null };
    const beat = { instance, slots, free_slots: slots, capabilities, load, leases: [] };
    // An agent that hears this registers anew.
    expect(await recordHeartbeat(database.sql, node, beat)).toBe(false);
    await upsertNode(database.sql, registration(node, 'back', 4));
    expect(await listNodes(database.sql)).toMatchObject([{ name: 'back', stoppedAgeMs: null }]);
  });
});
