import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { messageBytesMax } from './message-size';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const port = fc.integer({ min: 0, max: 65_535 });
const name = fc.string({ unit: 'binary', maxLength: 128 });
const bytes = fc.uint8Array({ maxLength: 600 });
const address = fc.uint8Array({ minLength: 4, maxLength: 16 });

const MESSAGE: fc.Arbitrary<PacketMessage> = fc.oneof(
  fc.record({
    type: fc.constant('ping' as const),
    SeqNo: uint32,
    Node: name,
    SourceAddr: address,
    SourcePort: port,
    SourceNode: name,
  }),
  fc.record({
    type: fc.constant('indirectPing' as const),
    SeqNo: uint32,
    Target: address,
    Port: port,
    Node: name,
    Nack: fc.boolean(),
  }),
  fc.record({ type: fc.constant('ackResp' as const), SeqNo: uint32, Payload: bytes }),
  fc.record({ type: fc.constant('nackResp' as const), SeqNo: uint32 }),
  fc.record({
    type: fc.constantFrom('suspect' as const, 'dead' as const),
    Incarnation: uint32,
    Node: name,
    From: name,
  }),
  fc.record({
    type: fc.constant('alive' as const),
    Incarnation: uint32,
    Node: name,
    Addr: address,
    Port: port,
    Meta: bytes,
    Vsn: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  }),
  fc.record({ type: fc.constant('user' as const), payload: bytes }),
);

test('messageBytesMax() is never below the real bytes, and not far above', () => {
  fc.assert(
    fc.property(MESSAGE, (message) => {
      const { length } = encodePacketMessage(message);
      expect(messageBytesMax(message)).toBeGreaterThanOrEqual(length);
      expect(messageBytesMax(message)).toBeLessThanOrEqual(length + 32);
    }),
    { numRuns: 1000 },
  );
});
