import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that Linux gives to outgoing connections (ip_local_port_range, from 32768): one of those
 * can be taken by anybody's next connection before the program of the test binds it.
 */
const FIRST = 10_240;
const LAST = 32_000;
const TRIES = 50;
/** A fleet asks for all its ports before anybody listens: none may be given twice. */
const given = new Set<number>();

/** A TCP port on loopback that was free a moment ago. Prefer port 0 where the program can tell its port. */
export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(FIRST, LAST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`Cannot find a free port: ${TRIES} random ones between ${FIRST} and ${LAST} are taken`);
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => {
    server.close(() => resolve(true));
  });
  return await promise;
}
