/**
 * Every message of the memberlist protocol as a plain value. Fields carry the names of the wire,
 * since peers written in Go decode maps by exactly these names; `type` alone is ours. Framing
 * (compound, compress, encrypt, hasCrc, label) is the codec's business and has no shape here.
 */

/** The first byte of each message, framing included. */
export const MESSAGE_TYPE = {
  ping: 0,
  indirectPing: 1,
  ackResp: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nackResp: 11,
  hasCrc: 12,
  err: 13,
  label: 244,
} as const;

/** What a push/pull says of a member, by the numbers of the wire. */
export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;

/** Protocol versions [pMin, pMax, pCur, dMin, dMax, dCur]: always six bytes, peers trip over fewer. */
export type VersionBytes = Uint8Array;

/** Where an answer goes if not to the packet's source; left out of the wire when undefined. */
interface AnswerAddress {
  readonly SourceAddr?: Uint8Array;
  readonly SourcePort?: number;
  readonly SourceNode?: string;
}

export interface PingMessage extends AnswerAddress {
  readonly type: 'ping';
  readonly SeqNo: number;
  /** Whom the ping is for; a receiver of another name drops it. Empty: whoever listens. */
  readonly Node: string;
}

export interface IndirectPingMessage extends AnswerAddress {
  readonly type: 'indirectPing';
  readonly SeqNo: number;
  /** 4 or 16 raw bytes, as all addresses of the wire. */
  readonly Target: Uint8Array;
  readonly Port: number;
  readonly Node: string;
  readonly Nack: boolean;
}

export interface AckMessage {
  readonly type: 'ackResp';
  readonly SeqNo: number;
  readonly Payload: Uint8Array;
}

export interface NackMessage {
  readonly type: 'nackResp';
  readonly SeqNo: number;
}

export interface SuspectMessage {
  readonly type: 'suspect';
  readonly Incarnation: number;
  readonly Node: string;
  readonly From: string;
}

export interface AliveMessage {
  readonly type: 'alive';
  readonly Incarnation: number;
  readonly Node: string;
  readonly Addr: Uint8Array;
  readonly Port: number;
  readonly Meta: Uint8Array;
  readonly Vsn: VersionBytes;
}

export interface DeadMessage {
  readonly type: 'dead';
  readonly Incarnation: number;
  readonly Node: string;
  /** Equal to Node: the member left by itself. */
  readonly From: string;
}

/** One member in a push/pull. */
export interface PushNodeState {
  readonly Name: string;
  readonly Addr: Uint8Array;
  readonly Port: number;
  readonly Meta: Uint8Array;
  readonly Incarnation: number;
  /** One of NODE_STATE. */
  readonly State: number;
  readonly Vsn: VersionBytes;
}

/** The header's Nodes and UserStateLen are the lengths of the two lists below. Streams only. */
export interface PushPullMessage {
  readonly type: 'pushPull';
  readonly Join: boolean;
  readonly nodes: readonly PushNodeState[];
  /** Serf's part of the state, raw. */
  readonly userState: Uint8Array;
}

/** Opaque to memberlist: Serf lives here. On a stream the codec adds the length header. */
export interface UserMessage {
  readonly type: 'user';
  readonly payload: Uint8Array;
}

/** A server's refusal, streams only. */
export interface ErrorMessage {
  readonly type: 'err';
  readonly Error: string;
}

/** What a datagram may hold, alone or in a compound. */
export type PacketMessage =
  | PingMessage
  | IndirectPingMessage
  | AckMessage
  | NackMessage
  | SuspectMessage
  | AliveMessage
  | DeadMessage
  | UserMessage;

/** What one direction of a stream dialog holds. */
export type StreamMessage = PingMessage | AckMessage | PushPullMessage | UserMessage | ErrorMessage;

export type Message = PacketMessage | StreamMessage;
