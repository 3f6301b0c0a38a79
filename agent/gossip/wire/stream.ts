import { labelHeader } from './label';
import {
  encodeMap,
  encodePushPull,
  encodeUserStream,
  kindOf,
  pushNodeState,
  pushPullHeader,
  readMap,
  STREAM_BYTES_MAX,
  userHeader,
} from './message-codec';
import { MESSAGE_TYPE, type PushNodeState, type StreamMessage } from './messages';
import { MsgpackReader } from './msgpack';
import { compressMessage, inflateMessage, type WireOptions } from './packet';
import { seal, SEAL_BYTES, unseal } from './seal';
import { WireError, type WireProblem } from './wire-error';

/** A sealed message on a stream: its type and the length of what follows, both authenticated. */
const FRAME_HEAD_BYTES = 5;
const LABEL_HEAD_BYTES = 2;

/** One direction of a dialog: a stream carries one message each way. */
export function encodeStream(message: StreamMessage, options: WireOptions): Uint8Array {
  // Always, even when that makes it longer, as peers do: a small message does not matter on a stream.
  const body = compressMessage(encodeBody(message));
  const { keyring, label, random } = options;
  if (keyring === null) return Buffer.concat([labelHeader(label), body]);
  const head = frameHead(body.length + SEAL_BYTES);
  return Buffer.concat([
    labelHeader(label),
    head,
    seal(body, keyring, { bound: Buffer.concat([head, label]), random }),
  ]);
}

export type StreamState =
  /** More bytes are needed. */
  | { readonly state: 'partial' }
  | { readonly state: 'done'; readonly message: StreamMessage }
  | { readonly state: 'failed'; readonly problem: WireProblem };

/**
 * Puts one message together from the chunks of a stream. It keeps at most STREAM_BYTES_MAX, and looks
 * at bytes again only within the value that is not yet whole. Never throws.
 */
export class StreamReader {
  readonly #options: WireOptions;
  readonly #received = new Accumulator();
  #parse: (reader: MsgpackReader) => StreamMessage | undefined;
  #labelled = false;
  #outcome: StreamState = { state: 'partial' };

  constructor(options: WireOptions) {
    this.#options = options;
    this.#parse = (reader) => this.#readStart(reader);
  }

  push(chunk: Uint8Array): StreamState {
    if (this.#outcome.state !== 'partial') return this.#outcome;
    try {
      this.#received.add(chunk);
      this.#advance();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#outcome = { state: 'failed', problem: error.problem };
    }
    return this.#outcome;
  }

  /** Parses value by value until one is not whole; what was parsed is not looked at again. */
  #advance(): void {
    for (;;) {
      const reader = this.#received.reader();
      const message = whole(() => this.#parse(reader));
      if (message === TRUNCATED) return;
      this.#received.consumed(reader.offset);
      if (message !== undefined) {
        this.#outcome = { state: 'done', message };
        return;
      }
    }
  }

  #readStart(reader: MsgpackReader): StreamMessage | undefined {
    if (!this.#labelled) return this.#readLabel(reader);
    const { keyring } = this.#options;
    if (keyring === null) return this.#readKind(reader);
    const sealed = readFrame(reader);
    const { body, head } = sealed;
    const plain = unseal(body, keyring, Buffer.concat([head, this.#options.label]));
    return parseWhole(plain);
  }

  #readLabel(reader: MsgpackReader): undefined {
    const { label } = this.#options;
    const hasLabel = reader.peek() === MESSAGE_TYPE.label;
    if (!hasLabel && label.length > 0) throw new WireError('label', 'the stream has no label');
    if (hasLabel) {
      const [, length = 0] = reader.take(LABEL_HEAD_BYTES);
      if (Buffer.compare(reader.take(length), label) !== 0 || length === 0) {
        throw new WireError('label', 'the stream has the label of another cluster');
      }
    }
    this.#labelled = true;
  }

  #readKind(reader: MsgpackReader): StreamMessage | undefined {
    const kind = kindOf(reader.peek());
    if (kind === 'compress') {
      reader.take(1);
      return parseWhole(inflateMessage(reader, STREAM_BYTES_MAX));
    }
    if (kind === 'pushPull') {
      reader.take(1);
      this.#parse = pushPullParser();
      return undefined;
    }
    return readMessage(reader);
  }
}

/** Bytes that arrive in chunks, growing by doubling, those already parsed dropped at a growth. */
class Accumulator {
  #bytes = Buffer.alloc(4096);
  #start = 0;
  #end = 0;
  #total = 0;

  add(chunk: Uint8Array): void {
    this.#total += chunk.length;
    if (this.#total > STREAM_BYTES_MAX + FRAME_HEAD_BYTES + SEAL_BYTES) {
      throw new WireError('oversize', `a stream has more than ${STREAM_BYTES_MAX} bytes`);
    }
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  reader(): MsgpackReader {
    return new MsgpackReader(this.#bytes.subarray(this.#start, this.#end));
  }

  consumed(count: number): void {
    this.#start += count;
  }

  #makeRoom(count: number): void {
    const kept = this.#bytes.subarray(this.#start, this.#end);
    const larger = Buffer.alloc(Math.max((kept.length + count) * 2, 4096));
    kept.copy(larger);
    this.#bytes = larger;
    this.#start = 0;
    this.#end = kept.length;
  }
}

const TRUNCATED = Symbol('truncated');

function whole<T>(read: () => T): T | typeof TRUNCATED {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError && error.problem === 'truncated') return TRUNCATED;
    throw error;
  }
}

/** A message of which all bytes are here: what is missing now never comes. */
function parseWhole(plain: Uint8Array, depth = 0): StreamMessage {
  const message = whole(() => readAll(new MsgpackReader(plain), depth));
  if (message === TRUNCATED) throw new WireError('malformed', 'a message ends before its end');
  return message;
}

function readAll(reader: MsgpackReader, depth: number): StreamMessage {
  const kind = kindOf(reader.peek());
  if (kind === 'compress' && depth === 0) {
    reader.take(1);
    return parseWhole(inflateMessage(reader, STREAM_BYTES_MAX), 1);
  }
  if (kind !== 'pushPull') return readMessage(reader);
  reader.take(1);
  const parse = pushPullParser();
  for (;;) {
    const message = parse(reader);
    if (message !== undefined) return message;
  }
}

function readMessage(reader: MsgpackReader): StreamMessage {
  const kind = kindOf(reader.peek());
  reader.take(1);
  switch (kind) {
    case 'ping':
    case 'ackResp':
    case 'err':
      return readMap(kind, reader) as StreamMessage;
    case 'user': {
      const { UserMsgLen } = userHeader.read(reader);
      return { type: 'user', payload: new Uint8Array(reader.take(UserMsgLen)) };
    }
    default:
      throw new WireError('malformed', `a message of kind ${kind} does not come on a stream`);
  }
}

/** Reads the header, then one node a call, then Serf's state: undefined until it is complete. */
function pushPullParser(): (reader: MsgpackReader) => StreamMessage | undefined {
  const nodes: PushNodeState[] = [];
  let header: ReturnType<typeof pushPullHeader.read> | undefined;
  return (reader) => {
    if (header === undefined) {
      header = pushPullHeader.read(reader);
      return undefined;
    }
    if (nodes.length < header.Nodes) {
      nodes.push(pushNodeState.read(reader));
      return undefined;
    }
    const userState = new Uint8Array(reader.take(header.UserStateLen));
    return { type: 'pushPull', Join: header.Join, nodes, userState };
  };
}

function encodeBody(message: StreamMessage): Uint8Array {
  if (message.type === 'pushPull') return encodePushPull(message);
  return message.type === 'user' ? encodeUserStream(message.payload) : encodeMap(message);
}

function frameHead(length: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head[0] = MESSAGE_TYPE.encrypt;
  head.writeUInt32BE(length, 1);
  return head;
}

function readFrame(reader: MsgpackReader): { head: Uint8Array; body: Uint8Array } {
  if (reader.peek() !== MESSAGE_TYPE.encrypt) {
    throw new WireError('undecryptable', 'the stream is not encrypted');
  }
  const head = reader.take(FRAME_HEAD_BYTES);
  const length = head.readUInt32BE(1);
  if (length > STREAM_BYTES_MAX) throw new WireError('oversize', `a stream announces ${length} bytes`);
  return { head, body: reader.take(length) };
}
