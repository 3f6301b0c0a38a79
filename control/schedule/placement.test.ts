import { expect, test } from 'bun:test';
import type { Capabilities } from '#agent/contract/capability';
import { gpuCapabilities, gpuFact } from '#test/support/gpu-facts';
import { registration } from '#test/support/store-fleet';
import { choose, place, refusal, type PlacementNode } from './placement';

const needs = { cores: 1, memoryBytes: 2 ** 20, gpu: 'none' as const };

function node(overrides: Partial<PlacementNode> = {}): PlacementNode {
  const { capabilities } = registration('a'.repeat(32), 'node', 2);
  return {
    nodeId: 'a'.repeat(32),
    name: 'node',
    verdict: { state: 'ready', cause: 'heartbeat 1 s ago' },
    slots: 2,
    freeSlots: 2,
    capabilities,
    ...overrides,
  };
}

test('refusal() is undefined for a node that takes the work', () => {
  expect(refusal(needs, node())).toBeUndefined();
  expect(refusal(needs, node({ verdict: { state: 'degraded', cause: 'late' } }))).toBeUndefined();
});

const refused: [string, Partial<PlacementNode>, Partial<typeof needs>, RegExp, boolean][] = [
  ['lost', { verdict: { state: 'lost', cause: 'no heartbeat for 40 s' } }, {}, /^lost: no heartbeat/, false],
  ['stopped', { verdict: { state: 'stopped', cause: 'on purpose' } }, {}, /^stopped: on purpose/, false],
  ['draining', { verdict: { state: 'draining', cause: 'new disk' } }, {}, /^draining: new disk/, false],
  ['without slots', { slots: 0, freeSlots: 0 }, {}, /no slots/, false],
  ['too small', {}, { cores: 64 }, /^needs 64 cores, it has 8$/, false],
  ['short of memory', {}, { memoryBytes: 2 ** 40 }, /^needs 1048576 MiB of memory/, false],
  ['busy', { freeSlots: 0 }, {}, /all of its 2 slots are busy/, true],
];

for (const [name, overrides, more, reason, temporary] of refused) {
  test(`refusal() of a node that is ${name} says why and what to do`, () => {
    const found = refusal({ ...needs, ...more }, node(overrides));
    expect(found?.reason).toMatch(reason);
    expect(found?.fix.length).toBeGreaterThan(0);
    expect(found?.temporary).toBe(temporary);
  });
}

test('refusal() of work that requires a GPU names the missing GPU', () => {
  expect(refusal({ ...needs, gpu: 'required' }, node())?.reason).toBe('needs a GPU, it has none');
  expect(refusal({ ...needs, gpu: 'preferred' }, node())).toBeUndefined();
});

const gpuNodes: [string, Partial<Capabilities>, RegExp | undefined][] = [
  ['a proven GPU', { nvidia: gpuFact(['proved']) }, undefined],
  ['a GPU at work', { nvidia: gpuFact(['busy']) }, undefined],
  ['one broken GPU of two', { nvidia: gpuFact(['failed', 'proved']) }, undefined],
  ['Apple silicon', { apple: gpuFact(['untried'], { vendor: 'apple', gpuType: 'MPS' }) }, undefined],
  [
    'a GPU that fails',
    { nvidia: { state: 'failed', error: 'GPU is lost. Reboot.' } },
    /^needs a GPU, its own failed: GPU is lost. Reboot.$/,
  ],
  [
    'a GPU that jobs cannot see',
    { nvidia: gpuFact(['untried']) },
    /its NVIDIA H200 does not count: CUDA_VISIBLE_DEVICES leaves it out$/,
  ],
  [
    'a GPU without a runtime',
    { amd: gpuFact(['untried'], { vendor: 'amd', gpuType: null }) },
    /^needs a GPU, jobs have no runtime for its NVIDIA H200$/,
  ],
  [
    'no hardware',
    { nvidia: { state: 'absent', reason: 'no NVIDIA hardware', derivation: [] } },
    /^needs a GPU, it has none \(no NVIDIA hardware\)$/,
  ],
];

for (const [name, facts, reason] of gpuNodes) {
  test(`refusal() of work that requires a GPU on a node with ${name}`, () => {
    const gpuNode = node({ capabilities: gpuCapabilities(facts) });
    const found = refusal({ ...needs, gpu: 'required' }, gpuNode);
    if (reason === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject({ reason: expect.stringMatching(reason), temporary: false });
    expect(refusal(needs, gpuNode)).toBeUndefined();
  });
}

test('choose() gives no more than the free slots and keeps the order', () => {
  const candidates = [
    { needs: { ...needs, cores: 64 } },
    { needs },
    { needs: { ...needs } },
    { needs: { ...needs } },
  ];
  expect(choose(candidates, node())).toEqual([{ needs }, { needs }]);
  expect(choose(candidates, node({ freeSlots: 0 }))).toEqual([]);
});

test('place() tells impossible from busy', () => {
  const lost = node({ verdict: { state: 'lost', cause: 'gone' } });
  expect(place(needs, [])).toEqual({ now: false, possible: false, refusals: [] });
  expect(place(needs, [lost])).toMatchObject({ now: false, possible: false });
  expect(place(needs, [lost, node({ freeSlots: 0 })])).toMatchObject({ now: false, possible: true });
  expect(place(needs, [lost, node()])).toMatchObject({ now: true, possible: true });
});
