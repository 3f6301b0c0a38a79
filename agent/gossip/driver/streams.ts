import { connect, createServer, type Server, type Socket } from 'node:net';
import { describeError } from '#agent/kit/error';
import type { Address } from '#agent/gossip/core/address';
import type { StreamMessage } from '#agent/gossip/wire/messages';
import type { WireOptions } from '#agent/gossip/wire/packet';
import { encodeStream, StreamReader } from '#agent/gossip/wire/stream';
import type { WireProblem } from '#agent/gossip/wire/wire-error';
import { bindFault } from './packets';

/** The TCP side of a node: one message each way on a connection. */
export interface Streams extends AsyncDisposable {
  readonly port: number;
  /** Sends a request and gives its answer; rejects with the reason, in words. */
  ask(to: Address, request: StreamMessage, timeoutMs: number): Promise<StreamMessage>;
}

export interface StreamOptions {
  readonly host: string;
  readonly port: number;
  /** For the whole of one incoming dialog. */
  readonly timeoutMs: number;
  /** Current keys and label. */
  readonly wire: () => WireOptions;
  /** A request, and how to answer it; no answer closes the connection at the time limit. */
  readonly onRequest: (request: IncomingRequest) => void;
  readonly onProblem: (problem: WireProblem, from: Address) => void;
}

export interface IncomingRequest {
  readonly from: Address;
  readonly message: StreamMessage;
  readonly answer: (message: StreamMessage) => void;
  readonly close: () => void;
}

/** As memberlist bounds its exchanges of states: each holds megabytes in a large group. */
const INCOMING_MAX = 128;

/** Binds; Fault(environment) when the address is taken or not of this machine. */
export async function openStreams(options: StreamOptions): Promise<Streams> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= INCOMING_MAX) return void socket.destroy();
    keep(sockets, socket, options.timeoutMs);
    serve(socket, options);
  });
  const port = await listen(server, options);
  return {
    port,
    ask: (to, request, timeoutMs) => ask(sockets, { to, request, timeoutMs, wire: options.wire }),
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

function keep(sockets: Set<Socket>, socket: Socket, timeoutMs: number): void {
  sockets.add(socket);
  // Of the whole dialog, not of a pause in it: a byte a second must not hold a connection.
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no end after ${timeoutMs / 1000} s`));
  }, timeoutMs);
  socket.once('close', () => {
    clearTimeout(timer);
    sockets.delete(socket);
  });
}

function serve(socket: Socket, { wire, onRequest, onProblem }: StreamOptions): void {
  const from = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  const reader = new StreamReader(wire());
  let answered = false;
  // Peers go away in the middle of a dialog; there is nothing to be done about it.
  socket.on('error', () => void socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (answered) return;
    const outcome = reader.push(chunk);
    if (outcome.state === 'partial') return;
    answered = true;
    if (outcome.state === 'failed') {
      onProblem(outcome.problem, from);
      socket.destroy();
      return;
    }
    onRequest({
      from,
      message: outcome.message,
      answer: (message) => void socket.end(encodeStream(message, wire())),
      close: () => void socket.end(),
    });
  });
}

interface Question {
  to: Address;
  request: StreamMessage;
  timeoutMs: number;
  wire: () => WireOptions;
}

async function ask(sockets: Set<Socket>, { to, request, timeoutMs, wire }: Question): Promise<StreamMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<StreamMessage>();
  const socket = connect({ host: to.host, port: to.port });
  keep(sockets, socket, timeoutMs);
  const reader = new StreamReader(wire());
  socket.once('connect', () => void socket.write(encodeStream(request, wire())));
  socket.on('data', (chunk: Buffer) => {
    const outcome = reader.push(chunk);
    if (outcome.state === 'done') resolve(outcome.message);
    if (outcome.state === 'failed') reject(new Error(`its answer is not readable: ${outcome.problem}`));
  });
  socket.once('error', (cause) => reject(new Error(describeError(cause), { cause })));
  socket.once('close', () => reject(new Error('it closed the connection without an answer')));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

async function listen(server: Server, { host, port }: Address): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('listening', resolve);
  server.once('error', (cause) => reject(bindFault('TCP', { host, port }, cause)));
  server.listen({ host, port });
  await promise;
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
