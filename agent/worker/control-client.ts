import type { Client } from '#agent/client/client';
import type { ControlApi } from './control-api';

/** The agent's view of the typed client. */
export function controlApi(client: Client): ControlApi {
  return {
    get url() {
      return client.url;
    },
    register: async (body, call) => (await client.call('registerWorker', { body, ...call })).data,
    heartbeat: async (worker_id, body, call) =>
      (await client.call('heartbeat', { params: { worker_id }, body, ...call })).data,
    claim: async (worker_id, body, call) =>
      (await client.call('claimWork', { params: { worker_id }, body, ...call })).data,
    stop: async (worker_id, instance, call) => {
      await client.call('stopWorker', { params: { worker_id }, body: { instance }, ...call });
    },
    progress: async (params, body, call) =>
      (await client.call('reportProgress', { params, body, ...call })).data,
    units: async (params, body, call) => (await client.call('reportUnits', { params, body, ...call })).data,
    logs: async (params, body, call) => (await client.call('reportLogs', { params, body, ...call })).data,
    result: async (params, body, call) => (await client.call('reportResult', { params, body, ...call })).data,
    barsFile: async (data_hash, call) => await client.open('getBarsFile', { params: { data_hash }, ...call }),
  };
}
