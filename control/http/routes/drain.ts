import type { Worker } from '#agent/contract/worker';
import { unknownWorker } from '#control/schedule/claim';
import { drainNode, findNode, listNodes, undrainNode } from '#control/store/nodes';
import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';
import { workerOnWire } from '#control/http/wire';

type DrainContext = Pick<ControlContext, 'database' | 'times' | 'changes' | 'log' | 'wake'>;

export function drainHandlers(context: DrainContext): Pick<Handlers, 'drainWorker' | 'undrainWorker'> {
  const { database, changes, log, wake } = context;
  return {
    async drainWorker({ params, body: { reason, by } }) {
      const before = await workerOf(context, params.worker_id);
      await drainNode(database.sql, params.worker_id, { reason, by: by ?? null });
      const data = await workerOf(context, params.worker_id);
      log.info(before.draining === null ? 'worker drains' : 'the reason of a drain changed', {
        worker: data.name,
        reason,
        by,
        held: data.operations.length,
      });
      changes.emit({ type: 'worker', id: params.worker_id });
      return { success: true, data: { ...data, warnings: await drainWarnings(context, params.worker_id) } };
    },

    async undrainWorker({ params, body: { by } }) {
      const before = await workerOf(context, params.worker_id);
      await undrainNode(database.sql, params.worker_id);
      const data = await workerOf(context, params.worker_id);
      if (before.draining !== null) {
        const { reason, since } = before.draining;
        log.info('worker drains no longer', { worker: data.name, by, reason, since });
      }
      changes.emit({ type: 'worker', id: params.worker_id });
      // Its poll is waiting already.
      wake();
      return { success: true, data: { ...data, warnings: [] } };
    },
  };
}

async function workerOf({ database, times }: DrainContext, nodeId: string): Promise<Worker> {
  const row = await findNode(database.sql, nodeId);
  if (!row) throw unknownWorker(nodeId);
  return workerOnWire(row, times);
}

/** That the fleet now stands still is no reason to refuse: an upgrade of everything begins like this. */
async function drainWarnings({ database, times }: DrainContext, nodeId: string): Promise<string[]> {
  const others = (await listNodes(database.sql))
    .filter((row) => row.nodeId !== nodeId)
    .map((row) => workerOnWire(row, times));
  const isTaking = others.some(({ status, slots }) => status !== 'temporarily_unavailable' && slots > 0);
  if (isTaking) return [];
  return ['no other agent takes work now: what waits goes on waiting, and new work is refused'];
}
