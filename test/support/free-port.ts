import { createServer } from 'node:net';

/** A TCP port on loopback that was free a moment ago. Prefer port 0 where the program can tell its port. */
export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => {
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error(`Cannot read the port: the address is ${String(address)}`));
    });
  });
  return await promise;
}
