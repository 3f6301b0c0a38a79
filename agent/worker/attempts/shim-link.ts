import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { shimToAgentSchema } from '#agent/contract/job';
import type { AgentToShim, ShimState, ShimToAgent } from '#agent/contract/job';
import type { Progress } from '#agent/contract/operation';
import { shimFiles } from '#agent/worker/attempt-files';
import { createLineSplitter } from '#agent/worker/line-splitter';
import { Fault } from '#agent/kit/error';

const MESSAGE_BYTES_MAX = 2 ** 20;

export interface ShimLinkEvents {
  message(message: Exclude<ShimToAgent, { type: 'hello' }>): void;
  /** The connection ended without our doing: the shim died, or an agent took our place. */
  gone(): void;
}

/** The agent's end of the socket of one shim. */
export class ShimLink {
  readonly shimDir: string;
  /** As the shim said when the connection was made. */
  readonly state: ShimState;
  readonly progress: Progress | null;
  readonly #socket: Socket;
  #events: ShimLinkEvents | undefined;
  #isClosed = false;

  private constructor(shimDir: string, socket: Socket, hello: Extract<ShimToAgent, { type: 'hello' }>) {
    this.shimDir = shimDir;
    this.#socket = socket;
    this.state = hello.state;
    this.progress = hello.progress;
  }

  /** Resolves after the shim's hello. Fault `unavailable` when nobody answers, or the signal aborts. */
  static connect(shimDir: string, signal: AbortSignal): Promise<ShimLink> {
    const { promise, resolve, reject } = Promise.withResolvers<ShimLink>();
    const socket = createConnection({ path: shimFiles(shimDir).socket });
    const fail = (state: string): void => {
      socket.destroy();
      reject(new Fault('unavailable', `Cannot reach the shim in ${shimDir}: ${state}`));
    };
    const abort = (): void => fail('no answer in time');
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();

    let link: ShimLink | undefined;
    const splitter = createLineSplitter(MESSAGE_BYTES_MAX, (line, cut) => {
      const message = cut ? undefined : parseMessage(line);
      if (message === undefined) socket.destroy();
      else if (message.type !== 'hello') link?.received(message);
      else if (link === undefined) {
        signal.removeEventListener('abort', abort);
        link = new ShimLink(shimDir, socket, message);
        resolve(link);
      }
    });
    socket.on('data', (chunk) => splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => {
      fail('it closed the connection');
      link?.ended();
    });
    return promise;
  }

  /** Events before this call are lost: the files say what happened. */
  listen(events: ShimLinkEvents): void {
    this.#events = events;
    if (this.#socket.destroyed) this.ended();
  }

  send(message: AgentToShim): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Leaves the shim to itself. What was sent before still arrives. */
  close(): void {
    this.#isClosed = true;
    this.#socket.end();
    this.#socket.unref();
  }

  private received(message: Exclude<ShimToAgent, { type: 'hello' }>): void {
    this.#events?.message(message);
  }

  private ended(): void {
    if (this.#isClosed || this.#events === undefined) return;
    this.#isClosed = true;
    this.#events.gone();
  }
}

function parseMessage(line: string): ShimToAgent | undefined {
  try {
    return shimToAgentSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
