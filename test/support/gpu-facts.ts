import type { Capabilities, Fact } from '#agent/contract/capability';
import type { GpuAllocation, GpuCapability } from '#agent/contract/gpu-capability';
import { registration } from './store-fleet';

const ALLOCATIONS: { readonly [State in GpuAllocation['state']]: GpuAllocation } = {
  proved: { state: 'proved', bytes: 2 ** 24 },
  busy: { state: 'busy', reason: '140 of 140 GiB of its memory are in use' },
  failed: { state: 'failed', error: 'NVML: GPU is lost' },
  untried: { state: 'untried', reason: 'CUDA_VISIBLE_DEVICES leaves it out' },
};

/** A node's capabilities without a GPU, and what is given of one. */
export function gpuCapabilities(facts: Partial<Capabilities>): Capabilities {
  return { ...registration('a'.repeat(32), 'node', 2).capabilities, ...facts };
}

/** One NVIDIA H200 for each state. */
export function gpuFact(
  states: readonly GpuAllocation['state'][],
  more: Partial<GpuCapability> = {},
): Extract<Fact<GpuCapability>, { state: 'present' }> {
  const devices = states.map((state, index) => ({
    index,
    id: `GPU-${index}`,
    model: 'NVIDIA H200',
    memoryTotalBytes: 150_754_820_096,
    memoryUsedBytes: 633_536_512,
    utilisationPercent: 7,
    allocation: ALLOCATIONS[state],
  }));
  return {
    state: 'present',
    value: {
      vendor: 'nvidia',
      gpuType: 'CUDA',
      driver: '550.54.15',
      runtime: 'CUDA 12.4',
      devices,
      ...more,
    },
    derivation: [],
    probedAtMs: 0,
  };
}
