import { expect, test } from 'bun:test';
import type { Capabilities } from '#agent/contract/capability';
import { gpuCapabilities, gpuFact } from '#test/support/gpu-facts';
import { gpuCell, shortModel } from './gpu-cell';

const cells: [string, Partial<Capabilities>, string][] = [
  ['nothing is known', {}, '–'],
  ['there is none', { nvidia: { state: 'absent', reason: 'no NVIDIA hardware', derivation: [] } }, '–'],
  ['one works', { nvidia: gpuFact(['proved']) }, '1× H200 140 GiB'],
  ['both work, one for others', { nvidia: gpuFact(['proved', 'busy']) }, '2× H200 140 GiB'],
  ['one of two fails', { nvidia: gpuFact(['failed', 'proved']) }, '1 of 2× H200 140 GiB'],
  ['it is hidden from jobs', { nvidia: gpuFact(['untried']) }, 'H200 unusable'],
  ['all fail', { nvidia: { state: 'failed', error: 'GPU is lost' } }, 'failed'],
  ['it has no runtime', { amd: gpuFact(['untried'], { vendor: 'amd', gpuType: null }) }, 'H200 unusable'],
  ['it is Apple’s', { apple: gpuFact(['untried'], { vendor: 'apple', gpuType: 'MPS' }) }, '1× H200 140 GiB'],
];

test.each(cells)('gpuCell() where %s', (_, facts, cell) => {
  expect(gpuCell(gpuCapabilities(facts))).toBe(cell);
});

test.each([
  ['NVIDIA H200', 'H200'],
  ['NVIDIA A100-SXM4-80GB', 'A100-SXM4-80GB'],
  ['NVIDIA GeForce RTX 4070', 'RTX 4070'],
  ['NVIDIA RTX A6000', 'RTX A6000'],
  ['Tesla T4', 'T4'],
  ['AMD INSTINCT MI210', 'MI210'],
  ['Apple M2 Pro, 19 cores', 'M2 Pro'],
  ['NVIDIA device', 'device'],
])('shortModel() of %s is %s', (model, short) => {
  expect(shortModel(model)).toBe(short);
});
