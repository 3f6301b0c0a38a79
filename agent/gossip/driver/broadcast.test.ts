import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { exec } from '#agent/kit/exec';
import { loopbackNode } from '#test/support/gossip-driver';
import { networkLab, networkLabMissing } from '#test/support/network-lab';
import { findByBroadcast } from './broadcast';

const missing = await networkLabMissing('a fleet that is found by broadcast');
const key = (byte: number) => [new Uint8Array(32).fill(byte)] as const;
const wire = (byte: number) => ({ keyring: key(byte), label: new Uint8Array(0), random: randomBytes });

test('whoever has our key answers, and nobody else', async () => {
  await using a = await loopbackNode('a', { keyring: key(1) });
  const ask = (byte: number) =>
    findByBroadcast({
      port: a.address.port,
      to: '127.255.255.255',
      wire: wire(byte),
      clock: systemClock,
      waitMs: 300,
    });
  // Loopback's broadcast address reaches sockets on all addresses only: one address is asked by itself.
  const asked = await findByBroadcast({
    port: a.address.port,
    to: '127.0.0.1',
    wire: wire(1),
    clock: systemClock,
    waitMs: 300,
  });
  expect(asked).toEqual([a.address]);
  expect(await ask(2)).toEqual([]);
});

test.skipIf(missing)(
  'one in another namespace is found at the limited broadcast address',
  async () => {
    await using lab = await networkLab(2);
    const [here, there] = lab.hosts;
    if (here === undefined || there === undefined) throw new Error('the lab has two hosts');
    const program = join(import.meta.dir, '../../../test/support/workloads/gossip-peer.ts');
    const settings = {
      names: ['peer'],
      host: '0.0.0.0',
      port: 7946,
      key: Buffer.from(key(1)[0]).toString('base64'),
      memoryPath: '/dev/null/none',
    };
    const peer = Bun.spawn(there.within([process.execPath, program, JSON.stringify(settings)]), {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'ignore',
    });
    try {
      const reader = peer.stdout.getReader();
      await reader.read();
      const script = `import { findByBroadcast } from '#agent/gossip/driver/broadcast';
      import { systemClock } from '#agent/kit/clock';
      const keyring = [new Uint8Array(32).fill(1)];
      const wire = { keyring, label: new Uint8Array(0), random: (n) => crypto.getRandomValues(new Uint8Array(n)) };
      console.log(JSON.stringify(await findByBroadcast({ port: 7946, wire, clock: systemClock, waitMs: 500 })));`;
      await exec(here.within(['ip', 'route', 'add', 'default', 'dev', 'eth0']), { timeoutMs: 5_000 });
      const { stdout } = await exec(here.within([process.execPath, '-e', script]), { timeoutMs: 15_000 });
      expect(JSON.parse(stdout)).toEqual([{ host: there.address, port: 7946 }]);
    } finally {
      peer.kill('SIGKILL');
      await peer.exited;
    }
  },
  30_000,
);
