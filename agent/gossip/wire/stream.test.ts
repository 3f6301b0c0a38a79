import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { randomBytes, WIRES } from '#test/support/gossip-wire';
import { encodePushPull } from './message-codec';
import { MESSAGE_TYPE, NODE_STATE, type PushPullMessage, type StreamMessage } from './messages';
import { encodeStream, StreamReader } from './stream';

const [plain, sealed, labelled] = WIRES;
const ping: StreamMessage = { type: 'ping', SeqNo: 1, Node: 'b' };

function pushPull(nodeCount: number, userState: Uint8Array = new Uint8Array(0)): PushPullMessage {
  const nodes = Array.from({ length: nodeCount }, (_, i) => ({
    Name: `node-${i}`,
    Addr: Uint8Array.of(10, 0, i >> 8, i & 0xff),
    Port: 7946,
    Meta: Uint8Array.of(0xff, 0x80),
    Incarnation: i,
    State: NODE_STATE.alive,
    Vsn: Uint8Array.of(1, 5, 2, 2, 5, 5),
  }));
  return { type: 'pushPull', Join: true, nodes, userState };
}

describe.each(WIRES)('a stream (wire %#)', (wire) => {
  test.each<StreamMessage>([
    ping,
    { type: 'ackResp', SeqNo: 2, Payload: Uint8Array.of(1, 2) },
    { type: 'err', Error: 'Cannot merge' },
    { type: 'user', payload: Uint8Array.of(1, 2, 3) },
    pushPull(0),
    pushPull(3, randomBytes(50)),
  ])('gives back %j', (message) => {
    expect(new StreamReader(wire).push(encodeStream(message, wire))).toEqual({ state: 'done', message });
  });

  test('gives back a push/pull cut anywhere', () => {
    const message = pushPull(40, randomBytes(30));
    const bytes = encodeStream(message, wire);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 6 }), (cuts) => {
        const reader = new StreamReader(wire);
        const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
        let start = 0;
        for (const end of ends.slice(0, -1)) {
          if (end < bytes.length)
            expect(reader.push(bytes.subarray(start, end))).toEqual({ state: 'partial' });
          else reader.push(bytes.subarray(start, end));
          start = end;
        }
        expect(reader.push(bytes.subarray(start))).toEqual({ state: 'done', message });
      }),
      { numRuns: 50 },
    );
  });
});

test('a push/pull without compression is read node by node', () => {
  const message = pushPull(2_000, randomBytes(100));
  const bytes = encodePushPull(message);
  const reader = new StreamReader(plain);
  for (let start = 0; start < bytes.length - 1_000; start += 1_000) {
    expect(reader.push(bytes.subarray(start, start + 1_000)).state).toBe('partial');
  }
  const rest = bytes.length - Math.ceil((bytes.length - 1_000) / 1_000) * 1_000;
  expect(reader.push(bytes.subarray(bytes.length - rest))).toEqual({ state: 'done', message });
});

describe('a stream refuses', () => {
  test.each([
    ['a plain message where all are sealed', encodeStream(ping, plain), sealed, 'undecryptable'],
    ['a sealed message without a keyring', encodeStream(ping, sealed), plain, 'malformed'],
    ['a missing label', encodeStream(ping, sealed), labelled, 'label'],
    ['another label', encodeStream(ping, { ...labelled, label: Buffer.from('else') }), labelled, 'label'],
    ['a frame beyond the limit', Uint8Array.of(MESSAGE_TYPE.encrypt, 0xff, 0, 0, 0), sealed, 'oversize'],
    ['a packet message', Uint8Array.of(MESSAGE_TYPE.suspect, 0x80), plain, 'malformed'],
    ['an unknown type', Uint8Array.of(77), plain, 'unknown_type'],
  ] as const)('%s', (_, bytes, wire, problem) => {
    expect(new StreamReader(wire).push(bytes)).toEqual({ state: 'failed', problem });
  });

  test('more bytes than the limit', () => {
    const reader = new StreamReader(plain);
    const header = Buffer.from('0683a44a6f696ec3a54e6f64657300ac5573657253746174654c656ece01400000', 'hex');
    expect(reader.push(header).state).toBe('partial');
    const chunk = new Uint8Array(2 ** 20);
    let state = reader.push(chunk);
    for (let i = 0; i < 25 && state.state === 'partial'; i++) state = reader.push(chunk);
    expect(state.state).not.toBe('partial');
  });
});
