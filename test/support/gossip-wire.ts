import { randomBytes as systemRandomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import type { WireOptions } from '#agent/gossip/wire/packet';

/** For tests: what messages may look like, and the wires they travel on. */
export const randomBytes = (count: number): Uint8Array => new Uint8Array(systemRandomBytes(count));

const plain: WireOptions = { keyring: null, label: new Uint8Array(0), random: randomBytes };
const keyring: WireOptions['keyring'] = [randomBytes(32)];

export const WIRES = [
  plain,
  { ...plain, keyring },
  { ...plain, keyring, label: Buffer.from('test') },
] as const satisfies WireOptions[];

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const name = fc.string({ maxLength: 40, unit: 'grapheme' });
const address = fc.oneof(bytesOf(4, 4), bytesOf(16, 16));
const answerAddress = { SourceAddr: address, SourcePort: uint16, SourceNode: name };

function bytesOf(minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength }).map((bytes) => new Uint8Array(bytes));
}

export const anyMessage: fc.Arbitrary<PacketMessage> = fc.oneof(
  record('ping', { SeqNo: uint32, Node: name }),
  record('ping', { SeqNo: uint32, Node: name, ...answerAddress }),
  record('indirectPing', {
    SeqNo: uint32,
    Target: address,
    Port: uint16,
    Node: name,
    Nack: fc.boolean(),
    ...answerAddress,
  }),
  record('ackResp', { SeqNo: uint32, Payload: bytesOf(0, 200) }),
  record('nackResp', { SeqNo: uint32 }),
  record('suspect', { Incarnation: uint32, Node: name, From: name }),
  record('alive', {
    Incarnation: uint32,
    Node: name,
    Addr: address,
    Port: uint16,
    Meta: bytesOf(0, 512),
    Vsn: bytesOf(6, 6),
  }),
  record('dead', { Incarnation: uint32, Node: name, From: name }),
  record('user', { payload: bytesOf(0, 600) }),
);

function record<K extends PacketMessage['type']>(
  type: K,
  fields: { [F in keyof Omit<Extract<PacketMessage, { type: K }>, 'type'>]-?: unknown } extends infer R
    ? { [F in keyof R]?: fc.Arbitrary<unknown> }
    : never,
): fc.Arbitrary<PacketMessage> {
  // The fields of each kind are checked by the encoder's own types where the messages are used.
  return fc
    .record(fields as Record<string, fc.Arbitrary<unknown>>)
    .map((value) => ({ type, ...value }) as PacketMessage);
}
