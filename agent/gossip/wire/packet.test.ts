import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodePacketMessage } from './message-codec';
import { MESSAGE_TYPE, type PacketMessage } from './messages';
import {
  compressMessage,
  DATAGRAM_BYTES_MAX,
  datagramRoom,
  decodeDatagram,
  encodeDatagram,
  type PacketOptions,
  type WireOptions,
} from './packet';
import type { Keyring } from './seal';
import { anyMessage, randomBytes, WIRES } from '#test/support/gossip-wire';

const [plain, sealed, labelled] = WIRES;
const ping: PacketMessage = { type: 'ping', SeqNo: 7, Node: 'b' };
const pack = (
  messages: readonly PacketMessage[],
  options: Partial<PacketOptions> & WireOptions,
): Uint8Array =>
  encodeDatagram(messages.map(encodePacketMessage), { compress: false, checksum: false, ...options });

describe('encodeDatagram() and decodeDatagram()', () => {
  test.each(WIRES)('give back any messages (wire %#)', (wire) => {
    const messages = fc.array(anyMessage, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(messages, fc.boolean(), fc.boolean(), (given, compress, checksum) => {
        const decoded = decodeDatagram(pack(given, { ...wire, compress, checksum }), wire);
        expect(decoded).toEqual({ messages: given, problems: [] });
      }),
      { numRuns: 200 },
    );
  });

  test('a full datagram of every wire fits', () => {
    for (const wire of WIRES) {
      const message = { type: 'user', payload: randomBytes(datagramRoom(wire) - 1) } as const;
      expect(pack([message], { ...wire, checksum: true }).length).toBe(DATAGRAM_BYTES_MAX);
    }
  });
});

describe('decodeDatagram() refuses', () => {
  test.each([
    ['a plain packet where all are sealed', pack([ping], plain), sealed, 'undecryptable'],
    ['a sealed packet without a keyring', pack([ping], sealed), plain, 'malformed'],
    ['a label where there is none', pack([ping], labelled), sealed, 'label'],
    ['no label where there is one', pack([ping], sealed), labelled, 'label'],
    ['another label', pack([ping], { ...labelled, label: Buffer.from('other') }), labelled, 'label'],
    ['an unknown type', Uint8Array.of(99, 1), plain, 'unknown_type'],
    ['nothing', new Uint8Array(0), plain, 'truncated'],
    ['a push/pull', Uint8Array.of(MESSAGE_TYPE.pushPull, 0x80), plain, 'malformed'],
    ['a compound that announces more', Uint8Array.of(7, 2, 0, 1, 0, 9, 0), plain, 'truncated'],
  ])('%s', (_, packet, wire, problem) => {
    const decoded = decodeDatagram(packet, wire);
    expect(decoded.messages).toEqual([]);
    expect(decoded.problems).toContain(problem as 'label');
  });

  test('the label of a sealed packet cannot be exchanged', () => {
    const packet = Buffer.from(pack([ping], labelled));
    const other = { ...labelled, label: Buffer.from('tesu') };
    other.label.copy(packet, 2);
    expect(decodeDatagram(packet, other)).toEqual({ messages: [], problems: ['undecryptable'] });
  });

  test('a checksum of other bytes', () => {
    const packet = Buffer.from(pack([ping], { ...plain, checksum: true }));
    packet[packet.length - 1] = 0x63;
    expect(decodeDatagram(packet, plain)).toEqual({ messages: [], problems: ['checksum'] });
  });

  test('one bad message of a compound, and reads the others', () => {
    const packet = encodeDatagram([encodePacketMessage(ping), Uint8Array.of(99), encodePacketMessage(ping)], {
      ...plain,
      compress: false,
      checksum: false,
    });
    expect(decodeDatagram(packet, plain)).toEqual({ messages: [ping, ping], problems: ['unknown_type'] });
  });

  test('a bomb of compressed zeros, alone and many in a compound', () => {
    const bomb = compressMessage(new Uint8Array(900_000));
    expect(bomb.length).toBeLessThan(3_000);
    expect(decodeDatagram(compressMessage(new Uint8Array(2 ** 20 + 1)), plain).problems).toEqual([
      'oversize',
    ]);
    const many = encodeDatagram(
      Array.from({ length: 20 }, () => bomb),
      { ...plain, compress: false, checksum: false },
    );
    const startMs = performance.now();
    expect(decodeDatagram(many, plain).problems).toContain('oversize');
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  test('compounds in compounds without end', () => {
    let packet: Uint8Array = encodePacketMessage(ping);
    for (let i = 0; i < 10; i++) {
      packet = Buffer.concat([Uint8Array.of(7, 1, packet.length >> 8, packet.length & 0xff), packet]);
    }
    expect(decodeDatagram(packet, plain)).toEqual({ messages: [], problems: ['malformed'] });
  });
});

describe('a keyring', () => {
  const [first, second] = [randomBytes(32), randomBytes(16)];

  test('opens with every key and seals with the first', () => {
    const old: WireOptions = { ...plain, keyring: [first] };
    const rotated: WireOptions = { ...plain, keyring: [second, first] };
    expect(decodeDatagram(pack([ping], old), rotated).messages).toEqual([ping]);
    expect(decodeDatagram(pack([ping], rotated), old).problems).toEqual(['undecryptable']);
  });

  test('takes keys of 16, 24 and 32 bytes', () => {
    for (const size of [16, 24, 32]) {
      const keyring: Keyring = [randomBytes(size)];
      const wire = { ...plain, keyring };
      expect(decodeDatagram(pack([ping], wire), wire).messages).toEqual([ping]);
    }
  });

  test('notices every changed bit', () => {
    const packet = pack([ping], sealed);
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const changed = Uint8Array.from(packet);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeDatagram(changed, sealed).messages).toEqual([]);
    }
  });
});
