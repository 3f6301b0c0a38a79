import { describe, expect, test } from 'bun:test';
import { registration } from '#test/support/store-fleet';
import { capabilityTags, readNodeTags, writeNodeTags, type NodeTags } from './node-tags';

const { capabilities } = registration('0'.repeat(32), 'node', 1);
const largest: NodeTags = {
  role: 'worker',
  id: 'f'.repeat(32),
  version: '123.456.789-rc.10+abcdef0123456789',
  apiPort: 65_535,
  gpu: `128x${'W'.repeat(24)}`,
  cores: 1_000_000,
  ib: true,
  capabilities: 'deadbeef',
};

describe('writeNodeTags()', () => {
  test('stays below 256 bytes on the wire for the largest node', () => {
    // A map of msgpack behind a magic byte: headers of at most 3 bytes each.
    const sizes = [...writeNodeTags(largest)].flat().map((text) => 3 + Buffer.byteLength(text));
    expect(sizes.reduce((sum, size) => sum + size, 4)).toBeLessThanOrEqual(256);
  });

  test('is what readNodeTags() reads', () => {
    const tags = { ...largest, version: '0.1.0' };
    expect(readNodeTags(writeNodeTags(tags))).toEqual(tags);
    const bare: NodeTags = { ...tags, apiPort: null, gpu: null, cores: null, ib: false, capabilities: null };
    expect(readNodeTags(writeNodeTags(bare))).toEqual(bare);
  });
});

test('a stranger’s tags are none of ours, and lies about ports are no ports', () => {
  expect(readNodeTags(new Map())).toBeUndefined();
  expect(
    readNodeTags(
      new Map([
        ['role', 'web'],
        ['id', 'x'],
      ]),
    ),
  ).toBeUndefined();
  expect(readNodeTags(new Map([['role', 'worker']]))).toBeUndefined();
  for (const api of ['0x50', '-1', '65536', '80 ', '99999999', '']) {
    expect(
      readNodeTags(
        new Map([
          ['role', 'control'],
          ['id', 'x'],
          ['api', api],
        ]),
      )?.apiPort,
    ).toBeNull();
  }
});

test('the hash moves with what a node can do, and not with what it does', () => {
  const hash = (given: typeof capabilities) => capabilityTags(given).capabilities;
  const busier = structuredClone(capabilities);
  if (busier.memory.state === 'present') {
    busier.memory.value.availableBytes = 1;
    busier.memory.probedAtMs = 99;
    busier.memory.derivation.push('looked again');
  }
  if (busier.disk.state === 'present') busier.disk.value.stateDirectory.availableBytes = 2;
  expect(hash(busier)).toBe(hash(capabilities));
  const larger = structuredClone(capabilities);
  if (larger.memory.state === 'present') larger.memory.value.totalBytes *= 2;
  expect(hash(larger)).not.toBe(hash(capabilities));
});
