import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { systemRng } from '#agent/kit/rng';
import { LOCAL } from '#agent/gossip/core/settings';
import type { GossipNode, GossipOptions } from '#agent/gossip/driver/node';
import { startGossip } from '#agent/gossip/driver/start-gossip';
import { tempDir } from './temp-dir';

/** A node on a free port of loopback, with a folder of its own. */
export async function loopbackNode(
  name: string,
  options: Partial<GossipOptions> = {},
): Promise<GossipNode & AsyncDisposable> {
  const folder = await tempDir();
  const node = await startGossip({
    name,
    bind: { host: '127.0.0.1', port: 0 },
    advertiseHost: '127.0.0.1',
    settings: LOCAL,
    tags: new Map(),
    keyring: null,
    label: '',
    memoryPath: join(folder.path, 'memory.json'),
    clock: systemClock,
    rng: systemRng,
    log: silentLog,
    ...options,
  });
  const close = node[Symbol.asyncDispose].bind(node);
  node[Symbol.asyncDispose] = async () => {
    await close();
    await folder[Symbol.asyncDispose]();
  };
  return node;
}

export interface Stranger extends AsyncDisposable {
  send(port: number, data: Uint8Array): Promise<void>;
  /** Packets that came back. */
  heard(): number;
  readonly port: number;
}

/** A UDP socket of nobody in the fleet. */
export async function stranger(): Promise<Stranger> {
  const socket = createSocket('udp4');
  let heard = 0;
  socket.on('message', () => void heard++);
  const bound = Promise.withResolvers<void>();
  socket.bind(0, '127.0.0.1', () => bound.resolve());
  await bound.promise;
  return {
    port: socket.address().port,
    heard: () => heard,
    async send(port, data) {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.send(data, port, '127.0.0.1', () => resolve());
      await promise;
    },
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.close(() => resolve());
      await promise;
    },
  };
}
