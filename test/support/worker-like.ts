import type { Worker } from '#agent/contract/worker';
import { workerOnWire } from '#control/http/wire';
import { registration, TIMES } from './store-fleet';

/** An idle agent as the API shows it. */
export function workerLike(id: string, name: string, label: string | null): Worker {
  const node = registration(id.padEnd(32, '0'), name, 1);
  return workerOnWire(
    {
      nodeId: node.worker_id,
      name,
      label,
      publicKey: '',
      instance: node.instance,
      endpointUrl: node.endpoint_url,
      version: 'test',
      commit: 'test',
      slots: 1,
      freeSlots: 1,
      capabilities: node.capabilities,
      load: null,
      registeredAt: '',
      heartbeatAt: '',
      heartbeatAgeMs: 0,
      stoppedAgeMs: null,
      drainingReason: null,
      drainingSince: null,
      drainingBy: null,
      drainingAgeMs: null,
      lastGrantedAt: null,
      leases: [],
    },
    TIMES,
  );
}
