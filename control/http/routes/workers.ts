import { canonicalJson } from '#agent/kit/canonical-json';
import { Fault } from '#agent/kit/error';
import { keyFingerprint, verifySignature } from '#agent/kit/signing';
import type { AttemptKey } from '#agent/contract/lease';
import type { Registration } from '#agent/contract/worker';
import { unknownWorker } from '#control/schedule/claim';
import { renewLeases } from '#control/store/leases';
import { findNode, listNodes, markStopped, recordHeartbeat, upsertNode } from '#control/store/nodes';
import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';
import { workerOnWire } from '#control/http/wire';

type WorkerHandlers = Pick<
  Handlers,
  'registerWorker' | 'heartbeat' | 'claimWork' | 'stopWorker' | 'listWorkers' | 'getWorker'
>;

export function workerHandlers(context: ControlContext): WorkerHandlers {
  const { database, times, dispatcher, changes, log } = context;
  return {
    async registerWorker({ body }) {
      checkIdentity(body);
      await context.transaction(async (sql) => {
        await upsertNode(sql, body);
        await renewLeases(sql, { nodeId: body.worker_id, leaseMs: times.leaseMs }, inOrder(body.leases));
      });
      log.info('worker registered', {
        worker: body.name,
        endpoint: body.endpoint_url,
        held: body.leases.length,
      });
      changes.emit({ type: 'worker', id: body.worker_id });
      const { heartbeatMs: heartbeat_ms, leaseMs: lease_ms } = times;
      const gossip = gossipSeeds(context);
      return { success: true, data: { worker_id: body.worker_id, heartbeat_ms, lease_ms, gossip } };
    },

    async heartbeat({ params, body }) {
      const leases = await context.transaction(async (sql) => {
        if (!(await recordHeartbeat(sql, params.worker_id, body))) throw unknownWorker(params.worker_id);
        return await renewLeases(
          sql,
          { nodeId: params.worker_id, leaseMs: times.leaseMs },
          inOrder(body.leases),
        );
      });
      changes.emit({ type: 'worker', id: params.worker_id });
      return { success: true, data: { heartbeat_ms: times.heartbeatMs, lease_ms: times.leaseMs, leases } };
    },

    async claimWork({ params, body, signal }) {
      const node = await findNode(database.sql, params.worker_id);
      if (node?.instance !== body.instance) throw unknownWorker(params.worker_id);
      const poll = {
        nodeId: params.worker_id,
        nonce: body.nonce,
        freeSlots: body.free_slots,
        waitMs: body.wait_ms,
        signal,
      };
      return { success: true, data: await dispatcher.claim(poll) };
    },

    async stopWorker({ params, body }) {
      if (!(await markStopped(database.sql, params.worker_id, body.instance)))
        throw unknownWorker(params.worker_id);
      log.info('worker stopped', { worker: params.worker_id });
      changes.emit({ type: 'worker', id: params.worker_id });
      return { success: true, data: { worker_id: params.worker_id } };
    },

    async listWorkers() {
      const data = (await listNodes(database.sql)).map((row) => workerOnWire(row, times));
      const active = data.filter((worker) => worker.status !== 'temporarily_unavailable');
      return { success: true, data, total_count: data.length, active_count: active.length };
    },

    async getWorker({ params }) {
      const row = await findNode(database.sql, params.worker_id);
      if (!row) throw unknownWorker(params.worker_id);
      return { success: true, data: workerOnWire(row, times) };
    },
  };
}

/** The id must be that of the key, and the key must have signed what is registered. */
function checkIdentity(registration: Registration): void {
  const { signature, ...signed } = registration;
  const genuine =
    keyFingerprint(registration.public_key) === registration.worker_id &&
    verifySignature(registration.public_key, canonicalJson(signed), signature);
  if (genuine) return;
  throw new Fault('forbidden', `Cannot register ${registration.name}: its signature is not that of its key`, {
    hint: 'upgrade agent and control plane to the same version',
  });
}

/** Transactions that lock several operations do it in one order, or they could wait for each other. */
function inOrder(leases: readonly AttemptKey[]): AttemptKey[] {
  return leases.toSorted((a, b) => (a.operation_id < b.operation_id ? -1 : 1));
}

/** Where an agent finds the gossip of the fleet: this control plane, which knows everybody. */
function gossipSeeds({ gossip }: ControlContext): string[] {
  const address = gossip()?.address;
  return address === undefined ? [] : [address];
}
