import { describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Fault } from '#agent/kit/error';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import { encodeDatagram } from '#agent/gossip/wire/packet';
import type { Keyring } from '#agent/gossip/wire/seal';
import { loopbackNode, stranger } from '#test/support/gossip-driver';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import type { GossipNode } from './node';

const key = (byte: number): Keyring => [new Uint8Array(32).fill(byte)];
const isAlive = (node: GossipNode, name: string): boolean => node.member(name)?.status === 'alive';
const failuresOf = (node: GossipNode): string[] => {
  const failures: string[] = [];
  node.listen((happening) => {
    if (happening.kind === 'join-result' && happening.failure !== undefined) failures.push(happening.failure);
  });
  return failures;
};

describe('two nodes on loopback', () => {
  test('find each other with one key and one label, and see a leave as a leave', async () => {
    await using a = await loopbackNode('a', { keyring: key(1), label: 'lab' });
    await using b = await loopbackNode('b', { keyring: key(1), label: 'lab' });
    b.join([a.address]);
    await waitUntil('both to see the other', () => isAlive(a, 'b') && isAlive(b, 'a'));
    await b.leave();
    await waitUntil('the leave', () => a.member('b')?.status === 'left');
    expect(a.health().problems).toEqual({});
  });

  test.each([
    ['another key', { keyring: key(2), label: 'lab' }, 'undecryptable'],
    ['no key', { keyring: null, label: 'lab' }, 'undecryptable'],
    ['another label', { keyring: key(1), label: 'other' }, 'label'],
    ['no label', { keyring: key(1), label: '' }, 'label'],
  ] as const)('stay apart with %s, and the one asked says why', async (_, other, problem) => {
    await using a = await loopbackNode('a', { keyring: key(1), label: 'lab' });
    await using b = await loopbackNode('b', other);
    const failures = failuresOf(b);
    b.join([a.address]);
    await waitUntil('the failure', () => failures.length > 0);
    expect(a.health().problems[problem]).toBeGreaterThan(0);
    expect([...a.members(), ...b.members()].map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('what strangers send', () => {
  test('is never answered with more than 1 + k packets for one', async () => {
    await using a = await loopbackNode('a');
    await using enemy = await stranger();
    const { port } = a.address;
    const wire = { keyring: null, label: new Uint8Array(0), random: randomBytes };
    const pings = Array.from({ length: 50 }, (_, index) =>
      encodePacketMessage({ type: 'ping', SeqNo: index, Node: 'a' }),
    );
    const before = a.health().packetsSent;
    // One packet with fifty questions.
    await enemy.send(port, encodeDatagram(pings, { ...wire, compress: false, checksum: false }));
    await waitUntil('an answer', () => enemy.heard() > 0);
    await enemy.send(port, encodeDatagram(pings.slice(0, 1), { ...wire, compress: false, checksum: false }));
    await waitUntil('both were read', () => a.health().packetsReceived >= 2);
    expect(a.health().packetsSent - before).toBeLessThanOrEqual(2 * (1 + 3));
  });

  test('without the key is counted and not answered at all', async () => {
    await using a = await loopbackNode('a', { keyring: key(1) });
    await using enemy = await stranger();
    const wire = { keyring: null, label: new Uint8Array(0), random: randomBytes };
    const ping = encodePacketMessage({ type: 'ping', SeqNo: 1, Node: 'a' });
    const plain = encodeDatagram([ping], { ...wire, compress: false, checksum: false });
    const sealed = encodeDatagram([ping], { ...wire, keyring: key(2), compress: false, checksum: false });
    const cut = encodeDatagram([ping], { ...wire, keyring: key(1), compress: false, checksum: false });
    const junk = [plain, sealed, cut.subarray(0, 20), randomBytes(1400), new Uint8Array([0])];
    for (const data of junk) await enemy.send(a.address.port, data);
    await waitUntil('all were read', () => a.health().packetsReceived === junk.length);
    expect(a.health().packetsSent).toBe(0);
    expect(enemy.heard()).toBe(0);
    const counted = Object.values(a.health().problems).reduce((sum, count) => sum + count, 0);
    expect(counted).toBe(junk.length);
  });

  test('on 200 connections at once holds 128 of them, and none longer than the limit', async () => {
    await using a = await loopbackNode('a');
    let open = 0;
    let closed = 0;
    const sockets = Array.from({ length: 200 }, () => {
      const socket = connect({ host: '127.0.0.1', port: a.address.port });
      socket.once('connect', () => void open++);
      socket.once('close', () => void closed++);
      socket.on('error', () => undefined);
      return socket;
    });
    await waitUntil('those above the limit to be closed', () => open === 200 && closed >= 72);
    expect(closed).toBe(72);
    // They say nothing: the limit of a dialog on one machine is a second.
    await waitUntil('the rest to be closed', () => closed === 200, { timeoutMs: 5_000 });
    for (const socket of sockets) socket.destroy();
    await using b = await loopbackNode('b');
    b.join([a.address]);
    await waitUntil('a is as good as before', () => isAlive(b, 'a'));
  });
});

test('a seed that takes the connection and says nothing is given up within the limit', async () => {
  const silent = createServer(() => undefined);
  const listening = Promise.withResolvers<void>();
  silent.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  {
    await using a = await loopbackNode('a');
    const failures = failuresOf(a);
    const startMs = performance.now();
    a.join([{ host: '127.0.0.1', port }]);
    await waitUntil('the failure', () => failures.length > 0, { timeoutMs: 5_000 });
    expect(performance.now() - startMs).toBeLessThan(2_500);
  }
  silent.close();
});

test('a lone node leaves at once', async () => {
  await using a = await loopbackNode('a');
  const startMs = performance.now();
  await a.leave();
  expect(performance.now() - startMs).toBeLessThan(500);
});

test('a taken port is refused with the settings that choose another', async () => {
  await using a = await loopbackNode('a');
  const fault = await loopbackNode('b', { bind: a.address }).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({
    code: 'environment',
    message: expect.stringContaining('it is in use'),
    hint: expect.stringContaining('KTRDR_GOSSIP_PORT'),
  });
});

test('a restarted node comes back at a higher incarnation and finds its group without a seed', async () => {
  await using a = await loopbackNode('a');
  await using folder = await tempDir();
  const memoryPath = join(folder.path, 'memory.json');
  const first = await loopbackNode('b', { memoryPath });
  first.join([a.address]);
  await waitUntil('both to know the other', () => isAlive(a, 'b') && isAlive(first, 'a'));
  const before = a.member('b')?.member.incarnation ?? Infinity;
  await first[Symbol.asyncDispose]();
  await using again = await loopbackNode('b', { memoryPath, bind: first.address });
  await waitUntil('b knows a again', () => isAlive(again, 'a'));
  expect(again.member('b')?.member.incarnation).toBeGreaterThan(before);
  expect(isAlive(a, 'b')).toBe(true);
});
