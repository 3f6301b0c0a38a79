import { expect, test } from 'bun:test';
import { waitUntil } from '#test/support/wait-until';
import { openPackets } from './packets';

const host = '127.0.0.1';

test('that one peer is gone loses no packet to another', async () => {
  const heard: string[] = [];
  const gone = await openPackets({ host, port: 0, onPacket: () => undefined });
  const closed = { host, port: gone.port };
  gone[Symbol.dispose]();
  using peer = await openPackets({ host, port: 0, onPacket: (data) => void heard.push(String(data)) });
  using own = await openPackets({ host, port: 0, onPacket: () => undefined });
  for (let index = 1; index <= 50; index++) {
    own.send(closed, Buffer.from('to nobody'));
    const text = `packet ${index}`;
    expect(own.send({ host, port: peer.port }, Buffer.from(text))).toBe(true);
    await waitUntil(`${text} is there`, () => heard.includes(text));
  }
});

test('a packet that cannot leave is lost, and says so', async () => {
  using own = await openPackets({ host, port: 0, onPacket: () => undefined });
  expect(own.send({ host: 'no address', port: 7946 }, Buffer.from('x'))).toBe(false);
  expect(own.send({ host, port: 7946 }, Buffer.alloc(70_000))).toBe(false);
});
