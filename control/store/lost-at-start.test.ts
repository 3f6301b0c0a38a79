import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { waitUntil } from '#test/support/wait-until';
import { openPool } from './address';

/** AuthenticationOk and ReadyForQuery: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const AUTHENTICATED_AND_READY = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1');

test('a connection that is lost in its first query leaves no rejection that nobody handles', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(AUTHENTICATED_AND_READY);
      // The driver asks for the types of arrays first, by itself.
      socket.once('data', () => void socket.destroy());
    });
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await listening;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sql = openPool({ url: `postgres://nobody@127.0.0.1:${port}/none` }, { max: 1, backoff: () => 0.01 });
  try {
    const asked = sql`select 1`.catch((error: unknown) => error);
    await waitUntil('three connections', () => connections >= 3);
    await sql.end({ timeout: 0 });
    await asked;
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
    server.close();
  }
});
