import { expect, test } from 'bun:test';
import { Registry } from 'prom-client';
import type { GpuCapability } from '#agent/contract/gpu-capability';
import { gpuFact } from '#test/support/gpu-facts';
import { gpuMetrics } from './gpu-metrics';

test('gpuMetrics() has a row a device, with the figures that are known, and drops rows of those gone', async () => {
  const registry = new Registry();
  let gpus: GpuCapability[] = [gpuFact(['proved', 'failed']).value];
  const [, second] = gpus[0]?.devices ?? [];
  if (second !== undefined) second.memoryUsedBytes = null;
  gpuMetrics(registry, () => gpus);
  const before = await registry.metrics();
  expect(before).toContain('ktrdr_worker_gpus_usable 1\n');
  const labels = (id: number) => `{vendor="nvidia",gpu="GPU-${id}",model="NVIDIA H200"}`;
  expect(before).toContain(`ktrdr_worker_gpu_working${labels(0)} 1\n`);
  expect(before).toContain(`ktrdr_worker_gpu_working${labels(1)} 0\n`);
  expect(before).toContain(`ktrdr_worker_gpu_memory_total_bytes${labels(0)} 150754820096\n`);
  expect(before).toContain(`ktrdr_worker_gpu_memory_used_bytes${labels(0)} 633536512\n`);
  expect(before).not.toContain(`ktrdr_worker_gpu_memory_used_bytes${labels(1)}`);
  expect(before).toContain(`ktrdr_worker_gpu_utilisation_ratio${labels(0)} 0.07\n`);
  gpus = [];
  const after = await registry.metrics();
  expect(after).toContain('ktrdr_worker_gpus_usable 0\n');
  expect(after).not.toContain('GPU-0');
});
