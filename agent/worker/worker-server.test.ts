import { describe, expect, test } from 'bun:test';
import { workerHealthSchema } from '#agent/contract/fleet';
import { problemSchema } from '#agent/contract/problem';
import { gossipEndpoints } from '#agent/contract/gossip-endpoints';
import { createMetrics } from '#agent/kit/metrics';
import { gossipPair } from '#test/support/gossip-pair';
import { heldOperation } from './held-operation';
import { workerMetrics } from './worker-metrics';
import { serveWorker, workerApp, type WorkerServerOptions } from './worker-server';

const KEY = { operation_id: 'op_backtesting_20260131_235959_00000001', epoch: 1 };
const TOKEN = 'the-token-of-this-fleet-0123456789';

function optionsWith(changes: Partial<WorkerServerOptions> = {}): WorkerServerOptions {
  const metrics = createMetrics();
  workerMetrics(metrics, { slots: () => 4, freeSlots: () => 3, active: () => 1, reachable: () => false });
  return {
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['agent.example'],
    health: () => ({
      healthy: true,
      service: 'ktrdr-agent-worker',
      timestamp: '2026-01-31T23:59:59.000Z',
      worker_id: 'f'.repeat(32),
      worker_status: 'busy',
      current_operation: KEY.operation_id,
      active_operations_count: 1,
      control_plane: { url: 'http://127.0.0.1:8000', reachable: false, reason: 'connection refused' },
      gpu_available: false,
      ib_available: false,
      version: 'dev',
    }),
    operations: () => [heldOperation(KEY, { id: 'f'.repeat(32), name: 'lxc-101-ffffffff' })],
    gossip: () => undefined,
    metrics,
    token: () => TOKEN,
    ...changes,
  };
}

const app = workerApp(optionsWith());
const ask = (path: string, headers: Record<string, string> = {}) =>
  app.request(path, { headers: { host: '127.0.0.1:5003', ...headers } });

describe('the HTTP of an agent', () => {
  test('/health and /metrics need no token', async () => {
    expect(workerHealthSchema.parse(await (await ask('/health')).json()).worker_status).toBe('busy');
    const text = await (await ask('/metrics')).text();
    expect(text).toContain('\nktrdr_worker_slots 4\n');
    expect(text).toContain('\nktrdr_worker_operations_active 1\n');
    expect(text).toContain('\nktrdr_worker_control_plane_reachable 0\n');
    expect(text).toContain('ktrdr_worker_heartbeat_failures_total 0');
  });

  test('/api/v1/operations needs the token, and shows what is held', async () => {
    const refused = await ask('/api/v1/operations');
    expect(refused.status).toBe(401);
    expect(problemSchema.parse(await refused.json()).code).toBe('unauthorized');
    expect((await ask('/api/v1/operations', { authorization: 'Bearer wrong' })).status).toBe(401);
    const authorization = `Bearer ${TOKEN}`;
    expect(await (await ask('/api/v1/operations', { authorization })).json()).toMatchObject({
      success: true,
      total_count: 1,
      data: [{ operation_id: KEY.operation_id, operation_type: 'backtesting', status: 'running' }],
    });
    expect((await ask(`/api/v1/operations/${KEY.operation_id}`, { authorization })).status).toBe(200);
    expect((await ask('/api/v1/operations/op_other', { authorization })).status).toBe(404);
  });

  test('the fleet by gossip, with the token, filtered, or why not', async () => {
    const headers = { host: 'localhost', authorization: `Bearer ${TOKEN}` };
    expect((await ask('/api/v1/gossip/members')).status).toBe(401);
    const off = await app.request('/api/v1/gossip/members', { headers });
    expect(off.status).toBe(409);
    expect(problemSchema.parse(await off.json()).hint).toContain('KTRDR_GOSSIP=true');
    await using pair = await gossipPair(null);
    const open = workerApp(optionsWith({ gossip: () => pair.gossip }));
    const members = async (query: string) => {
      const answer = await open.request(`/api/v1/gossip/members${query}`, { headers });
      return gossipEndpoints.listMembers.reply.parse(await answer.json()).data.map(({ name }) => name);
    };
    expect(await members('')).toEqual(['control-nas', 'lxc-101']);
    expect(await members('?tag=gpu%3Dh200&tag=role%3Dworker&status=alive')).toEqual(['lxc-101']);
    expect((await open.request('/api/v1/gossip/members?tag=gpu', { headers })).status).toBe(422);
    const state = await (await open.request('/api/v1/gossip', { headers })).json();
    expect(gossipEndpoints.getGossip.reply.parse(state).data.counts.alive).toBe(2);
  });

  test('lets nobody in while there is no token', async () => {
    const locked = workerApp(optionsWith({ token: () => undefined }));
    const headers = { host: 'localhost', authorization: 'Bearer undefined' };
    expect((await locked.request('/api/v1/operations', { headers })).status).toBe(401);
  });

  test('answers to its own names and to addresses, not to names that others point here', async () => {
    expect((await ask('/health', { host: 'agent.example:5003' })).status).toBe(200);
    expect((await ask('/health', { host: '[::1]:5003' })).status).toBe(200);
    expect((await ask('/health', { host: 'LOCALHOST' })).status).toBe(200);
    expect((await ask('/health', { host: 'evil.example' })).status).toBe(403);
    expect((await ask('/health', { host: '127.0.0.1.evil.example' })).status).toBe(403);
  });

  test('says what an agent has when a path is unknown', async () => {
    const unknown = await ask('/dashboard');
    expect(unknown.status).toBe(404);
    expect(problemSchema.parse(await unknown.json()).hint).toContain('/health');
  });

  test('names port and setting when the port is taken', async () => {
    await using first = serveWorker(optionsWith());
    const second = () => serveWorker(optionsWith({ port: first.port }));
    expect(second).toThrow(`Cannot listen on 127.0.0.1:${first.port}: the port is taken`);
    expect((await fetch(`http://127.0.0.1:${first.port}/health`)).status).toBe(200);
  });
});
