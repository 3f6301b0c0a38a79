import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { freePort } from '#test/support/free-port';
import { isDeserted } from './deserted';
import { openPackets } from './packets';
import { openStreams } from './streams';

const HOST = '127.0.0.1';
const wire = { keyring: null, label: new Uint8Array(0), random: (count: number) => new Uint8Array(count) };
const ping = { type: 'ping', SeqNo: 1, Node: 'somebody' } as const;

/** What a stream to that port fails with. */
async function failureOf(port: number): Promise<unknown> {
  await using streams = await openStreams({
    host: HOST,
    port: 0,
    timeoutMs: 500,
    wire: () => wire,
    onRequest: ({ close }) => close(),
    onProblem: () => undefined,
  });
  return await streams.ask({ host: HOST, port }, ping, 200).catch((error: unknown) => error);
}

test('isDeserted() is true where no process has the port', async () => {
  const port = await freePort();
  const error = await failureOf(port);
  expect(await isDeserted({ to: { host: HOST, port }, ping, error, wire })).toBe(true);
});

test('isDeserted() is false where a process has the UDP port alone', async () => {
  using packets = await openPackets({ host: HOST, port: 0, onPacket: () => undefined });
  const to = { host: HOST, port: packets.port };
  expect(await isDeserted({ to, ping, error: await failureOf(to.port), wire })).toBe(false);
});

test('isDeserted() is false where a process accepts streams and says nothing', async () => {
  const listening = Promise.withResolvers<void>();
  const server = createServer().listen({ host: HOST, port: 0 }, listening.resolve);
  await listening.promise;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const error = await failureOf(port);
  expect(error).toBeInstanceOf(Error);
  expect(await isDeserted({ to: { host: HOST, port }, ping, error, wire })).toBe(false);
  server.close();
});
