import { expect, test } from 'bun:test';
import { freePort } from './free-port';

test('freePort() gives a port that can be bound', async () => {
  const port = await freePort();
  const listener = Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } });
  expect(listener.port).toBe(port);
  listener.stop(true);
});

test('freePort() gives no port twice', async () => {
  const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
  expect(new Set(ports).size).toBe(100);
});
