import { assert } from '#agent/kit/assert';
import {
  MESSAGE_TYPE,
  type AckMessage,
  type AliveMessage,
  type DeadMessage,
  type ErrorMessage,
  type IndirectPingMessage,
  type Message,
  type NackMessage,
  type PacketMessage,
  type PingMessage,
  type PushNodeState,
  type PushPullMessage,
  type SuspectMessage,
} from './messages';
import { MsgpackReader, MsgpackWriter } from './msgpack';
import {
  boolean,
  bytes,
  integer,
  optional,
  structure,
  text,
  uint16,
  uint32,
  type Structure,
} from './structure';
import { WireError } from './wire-error';

/** Host names have 253 bytes; nobody has a longer name. */
export const NAME_BYTES_MAX = 512;
/** Peers do not enforce their limit of 512: Debian's takes 900 bytes of us. */
const META_BYTES_MAX = 4096;
const PAYLOAD_BYTES_MAX = 4096;
const VERSION_BYTES_MAX = 16;
/** As memberlist has it. */
export const STREAM_BYTES_MAX = 20 * 2 ** 20;
export const NODES_MAX = 1 << 20;

const name = text(NAME_BYTES_MAX);
const address = bytes(16);
const meta = bytes(META_BYTES_MAX);
const version = bytes(VERSION_BYTES_MAX);
const answerAddress = {
  SourceAddr: optional(address),
  SourcePort: optional(uint16),
  SourceNode: optional(name),
};

type Body<M extends Message> = Omit<M, 'type'>;

/** Messages that are one map, by kind. The others are framed below and in `stream.ts`. */
const BODIES = {
  ping: structure<Body<PingMessage>>({ SeqNo: uint32, Node: name, ...answerAddress }),
  indirectPing: structure<Body<IndirectPingMessage>>({
    SeqNo: uint32,
    Target: address,
    Port: uint16,
    Node: name,
    Nack: boolean,
    ...answerAddress,
  }),
  ackResp: structure<Body<AckMessage>>({ SeqNo: uint32, Payload: bytes(PAYLOAD_BYTES_MAX) }),
  nackResp: structure<Body<NackMessage>>({ SeqNo: uint32 }),
  suspect: structure<Body<SuspectMessage>>({ Incarnation: uint32, Node: name, From: name }),
  alive: structure<Body<AliveMessage>>({
    Incarnation: uint32,
    Node: name,
    Addr: address,
    Port: uint16,
    Meta: meta,
    Vsn: version,
  }),
  dead: structure<Body<DeadMessage>>({ Incarnation: uint32, Node: name, From: name }),
  err: structure<Body<ErrorMessage>>({ Error: text(1024) }),
} as const;

type MapMessage = Extract<Message, { type: keyof typeof BODIES }>;

const pushPullHeader = structure<{ Nodes: number; UserStateLen: number; Join: boolean }>({
  Nodes: integer(0, NODES_MAX),
  UserStateLen: integer(0, STREAM_BYTES_MAX),
  Join: boolean,
});
const pushNodeState = structure<PushNodeState>({
  Name: name,
  Addr: address,
  Port: uint16,
  Meta: meta,
  Incarnation: uint32,
  State: integer(0, 255),
  Vsn: version,
});
const userHeader = structure<{ UserMsgLen: number }>({ UserMsgLen: integer(0, STREAM_BYTES_MAX) });

const KIND_OF_TYPE = new Map<number, keyof typeof MESSAGE_TYPE>(
  Object.entries(MESSAGE_TYPE).map(([kind, type]) => [type, kind as keyof typeof MESSAGE_TYPE]),
);

/** The kind of a first byte. Throws WireError(unknown_type). */
export function kindOf(type: number | undefined): keyof typeof MESSAGE_TYPE {
  if (type === undefined) throw new WireError('truncated', 'a message is empty');
  const kind = KIND_OF_TYPE.get(type);
  if (kind === undefined) throw new WireError('unknown_type', `there is no message of type ${type}`);
  return kind;
}

/** One message of a datagram, type byte included, neither compressed nor encrypted. */
export function encodePacketMessage(message: PacketMessage): Uint8Array {
  if (message.type === 'user') {
    return Buffer.concat([Uint8Array.of(MESSAGE_TYPE.user), message.payload]);
  }
  return encodeMap(message);
}

/** Throws WireError. Behind a map there may be bytes of a newer version, which are ignored. */
export function readPacketMessage(data: Uint8Array): PacketMessage {
  const kind = kindOf(data[0]);
  switch (kind) {
    case 'user':
      return { type: 'user', payload: new Uint8Array(data.subarray(1)) };
    case 'ping':
    case 'indirectPing':
    case 'ackResp':
    case 'nackResp':
    case 'suspect':
    case 'alive':
    case 'dead':
      return readMap(kind, new MsgpackReader(data, 1)) as PacketMessage;
    default:
      throw new WireError('malformed', `a message of kind ${kind} does not come alone in a packet`);
  }
}

export function encodeMap(message: MapMessage): Uint8Array {
  const writer = new MsgpackWriter();
  writer.raw(Uint8Array.of(MESSAGE_TYPE[message.type]));
  // Kind and body belong together by the type of Message.
  (BODIES[message.type] as Structure<unknown>).write(writer, message);
  return writer.finish();
}

export function readMap(kind: keyof typeof BODIES, reader: MsgpackReader): MapMessage {
  return { type: kind, ...BODIES[kind].read(reader) } as MapMessage;
}

export function encodePushPull(message: PushPullMessage): Uint8Array {
  const writer = new MsgpackWriter(1024);
  writer.raw(Uint8Array.of(MESSAGE_TYPE.pushPull));
  const { nodes, userState, Join } = message;
  assert(nodes.length <= NODES_MAX, 'a push/pull has at most 2^20 nodes');
  pushPullHeader.write(writer, { Nodes: nodes.length, UserStateLen: userState.length, Join });
  for (const node of nodes) pushNodeState.write(writer, node);
  writer.raw(userState);
  return writer.finish();
}

export function encodeUserStream(payload: Uint8Array): Uint8Array {
  const writer = new MsgpackWriter();
  writer.raw(Uint8Array.of(MESSAGE_TYPE.user));
  userHeader.write(writer, { UserMsgLen: payload.length });
  writer.raw(payload);
  return writer.finish();
}

export { pushNodeState, pushPullHeader, userHeader };
