import { expect, test } from 'bun:test';
import { writeNodeTags, type NodeTags } from '#agent/contract/node-tags';
import { loopbackNode } from '#test/support/gossip-driver';
import { waitUntil } from '#test/support/wait-until';
import { followFleet } from './evidence';

const control: NodeTags = {
  role: 'control',
  id: 'c'.repeat(32),
  version: '0.1.0',
  apiPort: 8000,
  gpu: null,
  cores: null,
  ib: false,
  capabilities: null,
};
const worker: NodeTags = { ...control, role: 'worker', id: 'a'.repeat(32), apiPort: null };

test('evidence follows members by their ids, and control planes by their tag', async () => {
  await using self = await loopbackNode('self', { tags: writeNodeTags(worker) });
  let nowMs = 0;
  using fleet = followFleet(self, () => nowMs);
  expect(fleet.controlUrls()).toEqual([]);
  expect(fleet.of(control.id)).toBeUndefined();
  {
    await using other = await loopbackNode('control', { tags: writeNodeTags(control) });
    await using stranger = await loopbackNode('stranger', { tags: new Map([['role', 'web']]) });
    for (const node of [other, stranger]) node.join([self.address]);
    await waitUntil('both', () => fleet.members().length === 3);
    expect(fleet.controlUrls()).toEqual(['http://127.0.0.1:8000']);
    nowMs = 5_000;
    expect(fleet.of(control.id)).toEqual({ status: 'alive', udp: 'ok', since_ms: 5_000, namesake: null });
    // It says another port: everybody asks there from now on.
    other.tell({ kind: 'set-tags', tags: writeNodeTags({ ...control, apiPort: 8001 }) });
    await waitUntil('the new port', () => fleet.controlUrls()[0] === 'http://127.0.0.1:8001');
    await other.leave();
    await waitUntil('the leave', () => fleet.of(control.id)?.status === 'left');
    expect(fleet.controlUrls()).toEqual([]);
  }
  expect(fleet.members().find(({ name }) => name === 'stranger')?.tags).toEqual({ role: 'web' });
});
