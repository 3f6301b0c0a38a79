/**
 * Serf's messages: what it puts into memberlist's user messages and into the user part of a push/pull.
 * As in `messages.ts`, properties have the names of the wire.
 */
import { MsgpackReader, MsgpackWriter } from './msgpack';
import {
  boolean,
  bytes,
  float,
  int64,
  list,
  mapOf,
  nullable,
  structure,
  text,
  uint16,
  uint32,
  uint64,
  uint8,
  type Structure,
} from './structure';
import { WireError } from './wire-error';

/** A member leaves of its own will; `Prune`: forget it at once. */
export interface LeaveIntent {
  readonly LTime: number;
  readonly Node: string;
  readonly Prune: boolean;
}

export interface JoinIntent {
  readonly LTime: number;
  readonly Node: string;
}

export interface EventBody {
  readonly Name: string;
  readonly Payload: Uint8Array;
}

export interface EventsAt {
  readonly LTime: number;
  readonly Events: readonly EventBody[];
}

/** What two nodes tell each other in a push/pull, beside memberlist's own state. */
export interface SerfState {
  readonly LTime: number;
  readonly StatusLTimes: ReadonlyMap<string, number>;
  readonly LeftMembers: readonly string[];
  readonly EventLTime: number;
  readonly Events: ReadonlyArray<EventsAt | null>;
  readonly QueryLTime: number;
}

export interface UserEvent extends EventBody {
  readonly LTime: number;
  /** Whether listeners may fold events of this name into one. */
  readonly CC: boolean;
}

/** Bits of `Query.Flags`. */
export const QUERY_FLAG = { ack: 1, noBroadcast: 2 } as const;
/** Bit of `QueryResponse.Flags`. */
export const RESPONSE_FLAG = { ack: 1 } as const;

export interface Query {
  readonly LTime: number;
  readonly ID: number;
  /** Where answers go. */
  readonly Addr: Uint8Array;
  readonly Port: number;
  readonly SourceNode: string;
  /** Each one byte of kind and its body; see `readFilter`. */
  readonly Filters: readonly Uint8Array[];
  readonly Flags: number;
  readonly RelayFactor: number;
  /** Nanoseconds. */
  readonly Timeout: number;
  readonly Name: string;
  readonly Payload: Uint8Array;
}

export interface QueryResponse {
  readonly LTime: number;
  readonly ID: number;
  readonly From: string;
  readonly Flags: number;
  readonly Payload: Uint8Array;
}

/** The answer to the query `_serf_conflict`: whom the answering node knows by that name. */
export interface ConflictResponse {
  readonly Name: string;
  readonly Addr: Uint8Array;
  readonly Port: number;
  readonly Tags: ReadonlyMap<string, string>;
  readonly Status: number;
  readonly ProtocolMin: number;
  readonly ProtocolMax: number;
  readonly ProtocolCur: number;
  readonly DelegateMin: number;
  readonly DelegateMax: number;
  readonly DelegateCur: number;
}

export interface KeyRequest {
  readonly Key: Uint8Array;
}

export interface KeyResponse {
  readonly Result: boolean;
  readonly Message: string;
  /** base64 */
  readonly Keys: readonly string[];
  readonly PrimaryKey: string;
}

/** Forward the message behind it to a node that its sender may not reach. */
export interface RelayHeader {
  readonly DestAddr: { readonly IP: Uint8Array; readonly Port: number; readonly Zone: string };
  readonly DestName: string;
}

/** Which nodes a query is for: by name, or by a tag that matches an expression of Go's RE2. */
export type QueryFilter =
  | { readonly kind: 'nodes'; readonly names: readonly string[] }
  | { readonly kind: 'tag'; readonly Tag: string; readonly Expr: string };

const NAME_BYTES_MAX = 512;
/** Serf's largest user event, with room for its wrapping. */
const PAYLOAD_BYTES_MAX = 9216;
const MEMBERS_MAX = 1 << 17;
/** Rings of recent events hold 512; a peer with a larger one is heard up to here. */
const RING_MAX = 4096;
const EVENTS_PER_TIME_MAX = 1024;
const FILTERS_MAX = 64;
const EXPRESSION_BYTES_MAX = 512;
const NO_ADDRESS = { IP: new Uint8Array(0), Port: 0, Zone: '' };

const name = text(NAME_BYTES_MAX);
const payload = bytes(PAYLOAD_BYTES_MAX);
const address = bytes(16);

const eventsAt = structure<EventsAt>({
  LTime: uint64,
  Events: list(structure<EventBody>({ Name: name, Payload: payload }), EVENTS_PER_TIME_MAX),
});

const filterList = list(payload, FILTERS_MAX);
/** No filters are nil, as Go has it for a slice that nobody made. */
const filters: typeof filterList = {
  ...filterList,
  write: (writer, values) => (values.length === 0 ? writer.nil() : filterList.write(writer, values)),
};

const relayHeader = structure<RelayHeader>({
  DestAddr: {
    ...structure<RelayHeader['DestAddr']>({ IP: address, Port: uint16, Zone: name }),
    zero: NO_ADDRESS,
  },
  DestName: name,
});

/** By kind: the type byte and the structure behind it. */
const SERF = {
  leave: { type: 0, codec: structure<LeaveIntent>({ LTime: uint64, Node: name, Prune: boolean }) },
  join: { type: 1, codec: structure<JoinIntent>({ LTime: uint64, Node: name }) },
  state: {
    type: 2,
    codec: structure<SerfState>({
      LTime: uint64,
      StatusLTimes: mapOf(uint64, { keyBytesMax: NAME_BYTES_MAX, countMax: MEMBERS_MAX }),
      LeftMembers: list(name, MEMBERS_MAX),
      EventLTime: uint64,
      Events: list(nullable(eventsAt), RING_MAX),
      QueryLTime: uint64,
    }),
  },
  event: {
    type: 3,
    codec: structure<UserEvent>({ LTime: uint64, Name: name, Payload: payload, CC: boolean }),
  },
  query: {
    type: 4,
    codec: structure<Query>({
      LTime: uint64,
      ID: uint32,
      Addr: address,
      Port: uint16,
      SourceNode: name,
      Filters: filters,
      Flags: uint32,
      RelayFactor: uint8,
      Timeout: int64,
      Name: name,
      Payload: payload,
    }),
  },
  response: {
    type: 5,
    codec: structure<QueryResponse>({
      LTime: uint64,
      ID: uint32,
      From: name,
      Flags: uint32,
      Payload: payload,
    }),
  },
  conflict: {
    type: 6,
    codec: structure<ConflictResponse>({
      Name: name,
      Addr: address,
      Port: uint16,
      Tags: mapOf(text(1024), { keyBytesMax: 256, countMax: 256 }),
      Status: uint8,
      ProtocolMin: uint8,
      ProtocolMax: uint8,
      ProtocolCur: uint8,
      DelegateMin: uint8,
      DelegateMax: uint8,
      DelegateCur: uint8,
    }),
  },
  keyRequest: { type: 7, codec: structure<KeyRequest>({ Key: bytes(64) }) },
  keyResponse: {
    type: 8,
    codec: structure<KeyResponse>({
      Result: boolean,
      Message: text(1024),
      Keys: list(text(128), 64),
      PrimaryKey: text(128),
    }),
  },
} as const;

type Serf = typeof SERF;

/** `inner` is the forwarded message as the bytes it is. */
export interface RelayMessage {
  readonly kind: 'relay';
  readonly value: RelayHeader;
  readonly inner: Uint8Array;
}

export type SerfMessage =
  | {
      [K in keyof Serf]: { readonly kind: K; readonly value: ReturnType<Serf[K]['codec']['read']> };
    }[keyof Serf]
  | RelayMessage;

const RELAY_TYPE = 9;
const KINDS = new Map(
  Object.entries(SERF).map(([kind, { type, codec }]) => [type as number, { kind, codec }]),
);

/** Type byte and body. */
export function encodeSerf(message: SerfMessage): Uint8Array {
  const writer = new MsgpackWriter();
  if (message.kind === 'relay') {
    writer.raw(Uint8Array.of(RELAY_TYPE));
    relayHeader.write(writer, message.value);
    writer.raw(message.inner);
    return writer.finish();
  }
  const { type, codec } = SERF[message.kind];
  writer.raw(Uint8Array.of(type));
  // Kind and value belong together by the type of SerfMessage.
  (codec as Structure<unknown>).write(writer, message.value);
  return writer.finish();
}

/** Throws WireError. What follows the body is ignored, except behind a relay. */
export function readSerf(data: Uint8Array): SerfMessage {
  const [type] = data;
  if (type === undefined) throw new WireError('truncated', 'a user message is empty');
  const reader = new MsgpackReader(data, 1);
  if (type === RELAY_TYPE) {
    const value = relayHeader.read(reader);
    return { kind: 'relay', value, inner: data.slice(reader.offset) };
  }
  const found = KINDS.get(type);
  if (found === undefined) throw new WireError('unknown_type', `Serf has no message of type ${type}`);
  return { kind: found.kind, value: found.codec.read(reader) } as SerfMessage;
}

const nodeNames = list(name, 1024);
const tagFilter = structure<{ Tag: string; Expr: string }>({
  Tag: text(256),
  Expr: text(EXPRESSION_BYTES_MAX),
});
const FILTER_NODES = 0;
const FILTER_TAG = 1;

export function encodeFilter(filter: QueryFilter): Uint8Array {
  const writer = new MsgpackWriter();
  writer.raw(Uint8Array.of(filter.kind === 'nodes' ? FILTER_NODES : FILTER_TAG));
  if (filter.kind === 'nodes') nodeNames.write(writer, filter.names);
  else tagFilter.write(writer, filter);
  return writer.finish();
}

/** Throws WireError. */
export function readFilter(data: Uint8Array): QueryFilter {
  const reader = new MsgpackReader(data, 1);
  if (data[0] === FILTER_NODES) return { kind: 'nodes', names: nodeNames.read(reader) };
  if (data[0] === FILTER_TAG) return { kind: 'tag', ...tagFilter.read(reader) };
  throw new WireError('unknown_type', `there is no filter of kind ${data[0] ?? 'nothing'}`);
}

const TAGS_TYPE = 0xff;
/** Serf's own limit of what a node says about itself; larger ones are heard, never sent. */
export const META_BYTES_MAX = 512;
const tagsMap = mapOf(text(4096), { keyBytesMax: 512, countMax: 256 });

/** The tags of a node as its Meta. */
export function encodeTags(tags: ReadonlyMap<string, string>): Uint8Array {
  const writer = new MsgpackWriter();
  writer.raw(Uint8Array.of(TAGS_TYPE));
  tagsMap.write(writer, tags);
  return writer.finish();
}

/** Meta without the marker is the name of a role, as the oldest versions have it. Throws WireError. */
export function readTags(meta: Uint8Array): ReadonlyMap<string, string> {
  if (meta.length === 0) return new Map();
  if (meta[0] !== TAGS_TYPE) return new Map([['role', Buffer.from(meta).toString('utf8')]]);
  return tagsMap.read(new MsgpackReader(meta, 1));
}

/** Network coordinate of a node (Vivaldi; Dabek et al., SIGCOMM 2004), which acknowledgements carry. */
export interface Coordinate {
  /** Seconds, in eight dimensions. */
  readonly Vec: readonly number[];
  readonly Error: number;
  readonly Adjustment: number;
  readonly Height: number;
}

const COORDINATE_VERSION = 1;
const DIMENSIONS_MAX = 64;
const coordinate = structure<Coordinate>({
  Vec: list(float, DIMENSIONS_MAX),
  Error: float,
  Adjustment: float,
  Height: float,
});

/** The payload of an acknowledgement. */
export function encodeCoordinate(value: Coordinate): Uint8Array {
  const writer = new MsgpackWriter();
  writer.raw(Uint8Array.of(COORDINATE_VERSION));
  coordinate.write(writer, value);
  return writer.finish();
}

/** Null for an empty payload: the peer keeps no coordinates. Throws WireError. */
export function readCoordinate(payload: Uint8Array): Coordinate | null {
  if (payload.length === 0) return null;
  if (payload[0] !== COORDINATE_VERSION)
    throw new WireError('unknown_type', 'a coordinate of another version');
  return coordinate.read(new MsgpackReader(payload, 1));
}
