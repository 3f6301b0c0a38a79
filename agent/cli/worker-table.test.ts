import { expect, test } from 'bun:test';
import type { Capabilities } from '#agent/contract/capability';
import type { Worker } from '#agent/contract/worker';
import { capturedShell } from '#test/support/captured-shell';
import { registration } from '#test/support/store-fleet';
import { createOutput } from './output';
import { showWorkers } from './worker-table';

function workerIn(lxcId: string): Worker {
  const { worker_id, name, label, capabilities, endpoint_url, slots } = registration(
    lxcId.padStart(32, '0'),
    `lxc-${lxcId}`,
    2,
  );
  const value = {
    kind: 'container',
    container: 'lxc',
    hypervisor: null,
    lxcId,
    proxmoxHost: 'pve1',
    hostId: null,
  } as const;
  const facts: Capabilities = {
    ...capabilities,
    virtualisation: { state: 'present', value, derivation: [], probedAtMs: 0 },
  };
  return {
    worker_id,
    name,
    label,
    worker_type: [],
    endpoint_url,
    status: 'available',
    verdict: { state: 'ready', cause: 'heartbeats arrive' },
    current_operation_id: null,
    draining: null,
    operations: [],
    slots,
    capabilities: { gpu: false, gpu_type: null, gpu_count: 0, cores: 2, memory_gb: 4 },
    facts,
    load: null,
    version: '0.1.0',
    registered_at: '2026-01-31T00:00:00Z',
    last_healthy_at: '2026-01-31T00:00:00Z',
  };
}

function shown(workers: Worker[]): string {
  const shell = capturedShell();
  showWorkers(createOutput(shell, false), workers, 0);
  return shell.out;
}

test('showWorkers() says where agents stand when they do not all stand alike', () => {
  const out = shown([workerIn('101'), workerIn('102')]);
  expect(out).toMatch(/ VERSION +ON +WHY/);
  expect(out).toContain('lxc 101 on pve1');
  expect(shown([workerIn('101'), workerIn('101')])).not.toContain('pve1');
});
