import { expect, test } from 'bun:test';
import { summarizeCapabilities, type Capabilities } from '#agent/contract/capability';
import type { Worker } from '#agent/contract/worker';
import { capturedShell } from '#test/support/captured-shell';
import { gpuCapabilities, gpuFact } from '#test/support/gpu-facts';
import { createOutput } from './output';
import { showWorkers } from './worker-table';

const NOW = '2026-01-31T12:00:00.000Z';

function worker(name: string, gpu: Partial<Capabilities>): Worker {
  const facts = gpuCapabilities(gpu);
  return {
    worker_id: 'a'.repeat(32),
    name,
    label: null,
    worker_type: [],
    endpoint_url: 'http://192.168.1.201:5003',
    status: 'available',
    verdict: { state: 'degraded', cause: 'probe nvidia failed: GPU is lost. Reboot the machine.' },
    gossip: null,
    current_operation_id: null,
    operations: [],
    slots: 16,
    capabilities: summarizeCapabilities(facts),
    facts,
    load: null,
    version: '0.1.0',
    registered_at: NOW,
    last_healthy_at: NOW,
    draining: null,
  };
}

function shown(workers: Worker[]): string[] {
  const shell = capturedShell({ columns: 80, isTty: true, environment: { NO_COLOR: '1' } });
  showWorkers(createOutput(shell, false), workers, Date.parse(NOW));
  return shell.out.trimEnd().split('\n');
}

test('GPUs have a column that fits 80 cells with the reason beside it', () => {
  const lines = shown([
    worker('gpu-01-1a2b3c4d', { nvidia: gpuFact(['proved']) }),
    worker('gpu-02-1a2b3c4e', { nvidia: { state: 'failed', error: 'GPU is lost. Reboot.' } }),
    worker('lxc-101-1a2b3c4f', {}),
  ]);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  const text = lines.join('\n');
  expect(lines[0]).toMatch(/ GPU +.*WHY$/);
  expect(text).toMatch(/^gpu-01-\S+ .* 1× H200 140 GiB /m);
  expect(text).toMatch(/^gpu-02-\S+ .* failed /m);
  expect(text).toMatch(/^lxc-101\S+ .* – /m);
});

test('a fleet without GPUs has no such column', () => {
  expect(shown([worker('lxc-101-1a2b3c4f', {})])[0]).not.toContain('GPU');
});
