import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { createLog } from '#agent/kit/log';
import { systemRng } from '#agent/kit/rng';
import { loadSettings } from '#agent/daemon/settings';
import { tempDir, type TempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { startNodeGossip, type NodeGossip } from './node-gossip';
import { GOSSIP_PORT } from './seeds';

interface Started {
  gossip: NodeGossip;
  port: number;
  log: string[];
}

/** The gossip of an agent with these settings, whose state is a folder below the given one. */
async function start(
  folder: TempDir,
  name: string,
  environment: Record<string, string> = {},
): Promise<Started> {
  const log: string[] = [];
  const write = (line: string): void => void log.push(line);
  const settings = loadSettings({
    environment: { HOME: folder.path, KTRDR_STATE_DIR: join(folder.path, name), ...environment },
    uid: 1000,
    readFile: () => '{}',
  });
  const gossip = await startNodeGossip(settings, {
    role: 'worker',
    name,
    tags: {
      role: 'worker',
      id: name.padEnd(32, '0'),
      version: '0.1.0',
      apiPort: null,
      gpu: null,
      cores: null,
      ib: false,
      capabilities: null,
    },
    log: createLog({ level: 'info', format: 'logfmt', write, nowMs: () => 0 }),
    clock: systemClock,
    rng: systemRng,
  });
  if (gossip === undefined) throw new Error('gossip is switched on');
  return { gossip, port: gossip.node.address.port, log };
}

test('two nodes of one machine share the row of default ports and one keyring, and join by setting', async () => {
  await using folder = await tempDir();
  const shared = { KTRDR_GOSSIP_KEYRING: join(folder.path, 'keyring.json') };
  const one = await start(folder, 'one', shared);
  await using _one = one.gossip;
  const two = await start(folder, 'two', { ...shared, KTRDR_GOSSIP_JOIN: `127.0.0.1:${one.port}` });
  await using _two = two.gossip;
  expect(one.port).toBeGreaterThanOrEqual(GOSSIP_PORT);
  expect(two.port).toBeGreaterThan(one.port);
  expect(two.port).toBeLessThan(GOSSIP_PORT + 32);
  await waitUntil('both to see the other', () =>
    [one, two].every(({ gossip }) => gossip.fleet.members().length === 2),
  );
});

test('a port of the settings is that one or none', async () => {
  await using folder = await tempDir();
  const one = await start(folder, 'one');
  await using _one = one.gossip;
  const fault: unknown = await start(folder, 'two', { KTRDR_GOSSIP_PORT: String(one.port) }).catch(
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({ code: 'environment', hint: expect.stringContaining('KTRDR_GOSSIP_PORT') });
});

test('two keyrings say in both logs that they are two, and what to copy', async () => {
  await using folder = await tempDir();
  const one = await start(folder, 'one');
  await using _one = one.gossip;
  const two = await start(folder, 'two', { KTRDR_GOSSIP_JOIN: `127.0.0.1:${one.port}` });
  await using _two = two.gossip;
  await waitUntil('the line of who was asked', () => one.log.some((line) => line.includes('undecryptable=')));
  expect(one.log.join()).toContain('copy the file of gossip_keyring');
  await waitUntil('the line of who asked', () => two.log.some((line) => line.includes('does not answer')));
});

test('a keyring that others may read stops the start, and nothing is sent', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'keyring.json');
  writeFileSync(path, '[]', { mode: 0o644 });
  const fault: unknown = await start(folder, 'one', { KTRDR_GOSSIP_KEYRING: path }).catch(
    (error: unknown) => error,
  );
  expect(fault).toMatchObject({ code: 'settings', hint: `run: chmod 600 ${path}` });
});
