import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { agentToShimSchema } from '#agent/contract/job';
import type { AgentToShim, ShimToAgent } from '#agent/contract/job';
import { createLineSplitter } from '#agent/worker/line-splitter';
import type { Clock } from '#agent/kit/clock';

const MESSAGE_BYTES_MAX = 4 * 2 ** 20;
/** An agent that does not read (SIGSTOP) gets no more news until it does: the files hold everything. */
const UNREAD_BYTES_MAX = 256 * 1024;

export interface AgentLinkEvents {
  hello(): ShimToAgent;
  message(message: AgentToShim): void;
}

/** The shim's end of the socket on which one agent at a time speaks; a later one replaces the earlier. */
export class AgentLink implements AsyncDisposable {
  readonly #events: AgentLinkEvents;
  readonly #clock: Clock;
  readonly #server: Server;
  #agent: Socket | undefined;
  #goneSinceBootMs: number;

  constructor(events: AgentLinkEvents, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
    this.#goneSinceBootMs = clock.bootMs();
    this.#server = createServer((socket) => this.#accept(socket));
  }

  listen(path: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    // The directory is closed to others already, so that nobody comes in before the mode is set.
    this.#server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
    return promise;
  }

  /** How long no agent has been connected; 0 while one is. */
  awayMs(): number {
    return this.#agent === undefined ? this.#clock.bootMs() - this.#goneSinceBootMs : 0;
  }

  send(message: ShimToAgent): void {
    const agent = this.#agent;
    if (agent === undefined || agent.writableLength > UNREAD_BYTES_MAX) return;
    agent.write(`${JSON.stringify(message)}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#agent?.end();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#agent?.destroySoon();
    });
  }

  #accept(socket: Socket): void {
    this.#agent?.destroy();
    this.#agent = socket;
    const splitter = createLineSplitter(MESSAGE_BYTES_MAX, (line, cut) => {
      if (this.#agent !== socket) return;
      const message = cut ? undefined : parseMessage(line);
      if (message === undefined) socket.destroy();
      else this.#events.message(message);
    });
    socket.on('data', (chunk) => splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    socket.on('error', () => {
      socket.destroy();
    });
    socket.on('close', () => {
      if (this.#agent !== socket) return;
      this.#agent = undefined;
      this.#goneSinceBootMs = this.#clock.bootMs();
    });
    this.send(this.#events.hello());
  }
}

function parseMessage(line: string): AgentToShim | undefined {
  try {
    return agentToShimSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
