import { describe, expect, test } from 'bun:test';
import recorded from './fixtures/serf-0.9.4.json';
import { encodePacketMessage, encodePushPull, readPacketMessage } from './message-codec';
import type { PacketMessage, PushPullMessage } from './messages';
import { decodeDatagram, encodeDatagram, type WireOptions } from './packet';
import { encodeCoordinate, encodeSerf, readCoordinate, readSerf, readTags } from './serf-messages';
import { StreamReader } from './stream';

/** Captured from Debian's serf 0.9.4 on loopback; `tcp-9-inner` are inflated by Go's compress/lzw. */
const capture = (name: keyof typeof recorded): Uint8Array => copyOf(Buffer.from(recorded[name], 'hex'));
/** A plain array of bytes, as `toEqual` compares them. */
const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
const plain: WireOptions = { keyring: null, label: new Uint8Array(0), random: () => new Uint8Array(12) };

describe('packets of serf', () => {
  test.each(['udp-0', 'udp-2', 'udp-3', 'udp-4'] as const)('%s comes back as the same bytes', (name) => {
    const bytes = capture(name);
    const { messages, problems } = decodeDatagram(bytes, plain);
    expect(problems).toEqual([]);
    expect(copyOf(encodePacketMessage(only(messages)))).toEqual(bytes);
  });

  test('keys in another order are read', () => {
    expect(decodeDatagram(capture('udp-5'), plain).messages).toEqual([
      { type: 'dead', Incarnation: 1, Node: 'bun-2', From: 'bun-2' },
    ]);
  });

  test('a compound with a checksum comes back as the same bytes', () => {
    const bytes = capture('udp-12');
    const { messages, problems } = decodeDatagram(bytes, plain);
    expect(problems).toEqual([]);
    expect(messages.map(({ type }) => type)).toEqual(['alive', 'alive']);
    const parts = messages.map(encodePacketMessage);
    const again = encodeDatagram(parts, { ...plain, compress: false, checksum: true });
    expect(copyOf(again)).toEqual(bytes);
    expect(decodeDatagram(capture('udp-7'), plain)).toEqual({ messages, problems: [] });
  });

  test('a compressed packet is inflated', () => {
    const { messages, problems } = decodeDatagram(capture('udp-9'), plain);
    expect(problems).toEqual([]);
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages) expect(readPacketMessage(encodePacketMessage(message))).toEqual(message);
  });

  test('the tags of an alive message are read', () => {
    const alive = only(decodeDatagram(capture('udp-4'), plain).messages);
    expect(alive.type).toBe('alive');
    const tags = alive.type === 'alive' ? readTags(alive.Meta) : new Map();
    expect(Object.fromEntries(tags)).toEqual({
      gpu: 'rtx4090x2',
      ib: 'mlx5_0:200g',
      cpu: expect.any(String),
    });
  });
});

describe('streams of serf', () => {
  test('a push/pull is read in one piece and byte by byte', () => {
    const bytes = capture('tcp-9');
    const atOnce = new StreamReader(plain).push(bytes);
    expect(atOnce).toMatchObject({ state: 'done', message: { type: 'pushPull', Join: true } });
    const slowly = new StreamReader(plain);
    for (const byte of bytes.subarray(0, -1))
      expect(slowly.push(Uint8Array.of(byte))).toEqual({ state: 'partial' });
    expect(slowly.push(bytes.subarray(-1))).toEqual(atOnce);
  });

  test('a push/pull without compression comes back as the same bytes', () => {
    const bytes = capture('tcp-9-inner-6');
    const outcome = new StreamReader(plain).push(bytes);
    const message = outcome.state === 'done' ? (outcome.message as PushPullMessage) : undefined;
    expect(message?.nodes.map(({ Name }) => Name)).toEqual(['serf-b', 'serf-a']);
    expect(message && copyOf(encodePushPull(message))).toEqual(bytes);
  });

  test('a ping on a stream is read', () => {
    expect(new StreamReader(plain).push(capture('tcp-9-inner-0'))).toMatchObject({
      state: 'done',
      message: { type: 'ping', Node: 'bun-1', SourceNode: 'serf-a', SourcePort: 17_946 },
    });
  });
});

describe('messages of Serf itself', () => {
  test.each(['serf-0', 'serf-1', 'serf-3', 'serf-4', 'pp-user'] as const)(
    '%s comes back as the same bytes',
    (name) => {
      const bytes = capture(name);
      expect(copyOf(encodeSerf(readSerf(bytes)))).toEqual(bytes);
    },
  );

  test('the user message of a packet is one of them', () => {
    const message = only(decodeDatagram(capture('udp-8'), plain).messages);
    expect(message.type === 'user' && readSerf(message.payload)).toEqual({
      kind: 'join',
      value: { LTime: 2, Node: 'bun-2' },
    });
  });

  test('a coordinate comes back as the same bytes', () => {
    const bytes = capture('ackpayload').subarray(1);
    const coordinate = readCoordinate(capture('ackpayload'));
    expect(coordinate?.Vec).toHaveLength(8);
    expect(coordinate && copyOf(encodeCoordinate(coordinate)).subarray(1)).toEqual(bytes);
  });
});

function only(messages: readonly PacketMessage[]): PacketMessage {
  expect(messages).toHaveLength(1);
  return messages[0] as PacketMessage;
}
