import { assert } from '#agent/kit/assert';
import { labelHeader, withoutLabel } from './label';
import { compressLzw, decompressLzw } from './lzw';
import { kindOf, readPacketMessage } from './message-codec';
import { MESSAGE_TYPE, type PacketMessage } from './messages';
import { MsgpackReader, MsgpackWriter } from './msgpack';
import { seal, SEAL_BYTES, unseal, type Keyring, type RandomBytes } from './seal';
import { bytes, structure, uint8 } from './structure';
import { WireError, type WireProblem } from './wire-error';

/** What all packets and streams of a cluster have in common. */
export interface WireOptions {
  /** Null: nothing is encrypted, and encrypted messages are not understood. */
  readonly keyring: Keyring | null;
  /** Empty for none. */
  readonly label: Uint8Array;
  readonly random: RandomBytes;
}

/** A whole datagram with all that surrounds its messages, so that it fits any path. */
export const DATAGRAM_BYTES_MAX = 1400;
/** What all that is compressed in one datagram may stand for. */
const INFLATED_BYTES_MAX = 2 ** 20;
/** Compound in compound: nobody sends it, and more than a few are an attack. */
const DEPTH_MAX = 4;
/** Of one datagram, nested compounds counted together. */
const MESSAGES_MAX = 1024;
const COMPOUND_COUNT_MAX = 255;
const CRC_HEAD_BYTES = 5;

export interface DecodedDatagram {
  readonly messages: PacketMessage[];
  /** What could not be read of it, beside the messages that could. */
  readonly problems: WireProblem[];
}

/** What is in a datagram; never throws. A bad message does not spoil the others of its compound. */
export function decodeDatagram(data: Uint8Array, options: WireOptions): DecodedDatagram {
  const reading: Reading = { messages: [], problems: [], inflateBytesLeft: INFLATED_BYTES_MAX };
  collectProblems(reading, () => {
    const { keyring, label } = options;
    const body = withoutLabel(data, label);
    const plain = keyring === null ? body : unseal(body, keyring, label);
    readMessages(plain, reading, 0);
  });
  return { messages: reading.messages, problems: reading.problems };
}

interface Reading extends DecodedDatagram {
  inflateBytesLeft: number;
}

/** Bytes that messages have room for in one datagram of these options. */
export function datagramRoom({ keyring, label }: Pick<WireOptions, 'keyring' | 'label'>): number {
  const overhead = labelHeader(label).length + (keyring === null ? 0 : SEAL_BYTES) + CRC_HEAD_BYTES;
  return DATAGRAM_BYTES_MAX - overhead;
}

/** What the n-th message of a compound adds to its own length, and what the compound itself takes. */
export const COMPOUND_HEAD_BYTES = 2;
export const COMPOUND_EACH_BYTES = 2;

export interface PacketOptions extends WireOptions {
  /** Compress when that makes it shorter. */
  readonly compress: boolean;
  /** For peers that understand checksums (protocol version 5 and later). */
  readonly checksum: boolean;
}

/** The datagram of one or several messages, each as `encodePacketMessage` gives it. */
export function encodeDatagram(messages: readonly Uint8Array[], options: PacketOptions): Uint8Array {
  const body = messages.length === 1 ? (messages[0] as Uint8Array) : compound(messages);
  const packed = options.compress ? shorter(body) : body;
  const checked = options.checksum ? withChecksum(packed) : packed;
  const { keyring, label, random } = options;
  const sealed = keyring === null ? checked : seal(checked, keyring, { bound: label, random });
  return label.length === 0 ? sealed : Buffer.concat([labelHeader(label), sealed]);
}

const compressed = structure<{ Algo: number; Buf: Uint8Array }>({ Algo: uint8, Buf: bytes(2 ** 26) });
const LZW = 0;

/** Type byte, algorithm and compressed bytes. */
export function compressMessage(body: Uint8Array): Uint8Array {
  const writer = new MsgpackWriter(body.length);
  writer.raw(Uint8Array.of(MESSAGE_TYPE.compress));
  compressed.write(writer, { Algo: LZW, Buf: compressLzw(body) });
  return writer.finish();
}

/** The message inside a compressed one. Throws WireError. */
export function inflateMessage(reader: MsgpackReader, maxBytes: number): Uint8Array {
  const { Algo, Buf } = compressed.read(reader);
  if (Algo !== LZW) throw new WireError('malformed', `there is no compression ${Algo}`);
  return decompressLzw(Buf, maxBytes);
}

function readMessages(data: Uint8Array, into: Reading, depth: number): void {
  if (depth > DEPTH_MAX) throw new WireError('malformed', 'packets are nested too deeply');
  if (into.messages.length + into.problems.length >= MESSAGES_MAX) {
    throw new WireError('oversize', 'too many messages in a packet');
  }
  switch (kindOf(data[0])) {
    case 'hasCrc':
      return readMessages(withoutChecksum(data), into, depth + 1);
    case 'compress': {
      const inflated = inflateMessage(new MsgpackReader(data, 1), into.inflateBytesLeft);
      into.inflateBytesLeft -= inflated.length;
      return readMessages(inflated, into, depth + 1);
    }
    case 'compound':
      return readCompound(data, into, depth);
    default:
      into.messages.push(readPacketMessage(data));
  }
}

/** 7, count, so many lengths of 16 bits, then the messages one behind the other. */
function readCompound(data: Uint8Array, into: Reading, depth: number): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = data[1];
  if (count === undefined) throw new WireError('truncated', 'a compound has no count');
  let start = COMPOUND_HEAD_BYTES + count * COMPOUND_EACH_BYTES;
  if (start > data.length) throw new WireError('truncated', 'the lengths of a compound are cut off');
  for (let i = 0; i < count; i++) {
    const end = start + view.getUint16(COMPOUND_HEAD_BYTES + i * COMPOUND_EACH_BYTES);
    if (end > data.length) throw new WireError('truncated', 'a compound is cut off');
    const part = data.subarray(start, end);
    collectProblems(into, () => readMessages(part, into, depth + 1));
    start = end;
  }
}

function collectProblems(into: DecodedDatagram, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (into.problems.length < MESSAGES_MAX) into.problems.push(error.problem);
  }
}

function compound(messages: readonly Uint8Array[]): Uint8Array {
  assert(messages.length <= COMPOUND_COUNT_MAX, 'a compound has at most 255 messages');
  const head = Buffer.alloc(COMPOUND_HEAD_BYTES + messages.length * COMPOUND_EACH_BYTES);
  head[0] = MESSAGE_TYPE.compound;
  head[1] = messages.length;
  messages.forEach((message, i) => {
    head.writeUInt16BE(message.length, COMPOUND_HEAD_BYTES + i * COMPOUND_EACH_BYTES);
  });
  return Buffer.concat([head, ...messages]);
}

function shorter(body: Uint8Array): Uint8Array {
  const packed = compressMessage(body);
  return packed.length < body.length ? packed : body;
}

/** CRC-32 as zlib has it (IEEE 802.3), over everything behind it. */
function withChecksum(body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(CRC_HEAD_BYTES);
  head[0] = MESSAGE_TYPE.hasCrc;
  head.writeUInt32BE(Bun.hash.crc32(body), 1);
  return Buffer.concat([head, body]);
}

function withoutChecksum(data: Uint8Array): Uint8Array {
  if (data.length < CRC_HEAD_BYTES) throw new WireError('truncated', 'a checksum is cut off');
  const body = data.subarray(CRC_HEAD_BYTES);
  const expected = new DataView(data.buffer, data.byteOffset).getUint32(1);
  if (Bun.hash.crc32(body) === expected) return body;
  throw new WireError('checksum', 'the checksum is that of other bytes');
}
