import { describe, expect, test } from 'bun:test';
import { gpuFact } from '#test/support/gpu-facts';
import { capabilitiesSchema, gpusOf, summarizeCapabilities, type Capabilities } from './capability';

const GIB = 2 ** 30;
const capabilities: Capabilities = {
  cpu: {
    state: 'present',
    value: { model: 'x', logicalCores: 8, affinityCores: 8, quotaCores: 2.5, usableCores: 2.5 },
    derivation: ['quota 2.5 cores'],
    probedAtMs: 1,
  },
  disk: { state: 'failed', error: 'no answer within 150 ms' },
  memory: {
    state: 'present',
    value: { totalBytes: 8 * GIB, limitBytes: 6 * GIB, usableBytes: 6 * GIB, availableBytes: 5 * GIB },
    derivation: [],
    probedAtMs: 1,
  },
};

describe('capabilitiesSchema', () => {
  test('takes present, absent and failed facts', () => {
    const absent = { state: 'absent', reason: 'there is no /proc/cpuinfo', derivation: [] };
    expect(capabilitiesSchema.parse(capabilities)).toEqual(capabilities);
    expect(capabilitiesSchema.safeParse({ ...capabilities, cpu: absent }).success).toBe(true);
  });

  test.each([
    ['a missing fact', { ...capabilities, cpu: undefined }],
    ['an unknown fact', { ...capabilities, quantum: capabilities.cpu }],
    ['an unknown state', { ...capabilities, cpu: { state: 'maybe' } }],
    ['a key of another state', { ...capabilities, disk: { state: 'failed', error: 'x', value: 1 } }],
    ['too long a sentence', { ...capabilities, disk: { state: 'failed', error: 'x'.repeat(501) } }],
  ])('refuses %s', (_, value) => {
    expect(capabilitiesSchema.safeParse(value).success).toBe(false);
  });
});

describe('summarizeCapabilities()', () => {
  test('gives whole cores and GiB in the fields of KTRDR', () => {
    const summary = summarizeCapabilities(capabilities);
    expect(summary).toEqual({ gpu: false, gpu_type: null, gpu_count: 0, cores: 2, memory_gb: 6 });
  });

  test('counts the GPUs that jobs may use', () => {
    const count = (facts: Partial<Capabilities>) => summarizeCapabilities({ ...capabilities, ...facts });
    const nvidia = gpuFact(['proved', 'busy', 'failed', 'untried']);
    const amd = gpuFact(['untried'], { vendor: 'amd', gpuType: null });
    const apple = gpuFact(['untried'], { vendor: 'apple', gpuType: 'MPS' });
    expect(count({ nvidia, amd })).toMatchObject({ gpu: true, gpu_type: 'CUDA', gpu_count: 2 });
    expect(count({ apple })).toMatchObject({ gpu: true, gpu_type: 'MPS', gpu_count: 1 });
    expect(count({ amd })).toMatchObject({ gpu: false, gpu_type: null, gpu_count: 0 });
    const lost = { state: 'failed' as const, error: 'GPU is lost' };
    expect(count({ nvidia: lost })).toMatchObject({ gpu: false, gpu_type: null, gpu_count: 0 });
    expect(gpusOf({ ...capabilities, amd, nvidia }).map(({ vendor }) => vendor)).toEqual(['nvidia', 'amd']);
  });

  test('calls half a core one core, and does not guess what is not known', () => {
    const half = structuredClone(capabilities);
    if (half.cpu.state === 'present') half.cpu.value.usableCores = 0.5;
    half.memory = { state: 'failed', error: 'x' };
    expect(summarizeCapabilities(half)).toMatchObject({ cores: 1, memory_gb: null });
  });
});
