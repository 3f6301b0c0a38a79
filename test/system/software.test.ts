import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import { present } from '#agent/kit/assert';
import { exec } from '#agent/kit/exec';
import { workerSchema, type Worker } from '#agent/contract/worker';
import { BINARY, Fleet } from '#test/support/fleet';
import { waitUntil } from '#test/support/wait-until';

test('commands of the settings file are reported, and a slow one holds up no heartbeat', async () => {
  await using fleet = await Fleet.start({ agents: 1 });
  const agent = present(fleet.agents[0], 'the agent');
  await agent.kill();
  const software_commands = {
    talib: 'echo TA-Lib 0.6.4',
    slow: ['sh', '-c', 'sleep 1; echo 7.1'],
    broken: ['sh', '-c', 'echo no licence >&2; exit 3'],
  };
  await Bun.write(join(fleet.directory, 'settings.yaml'), JSON.stringify({ software_commands }));
  const before = probedAtMs(await worker(fleet));
  agent.start();
  const early = await waitUntil(
    'facts of the new start',
    async () => {
      const { facts } = await worker(fleet);
      return facts.cpu.state === 'present' && facts.cpu.probedAtMs > before ? facts : undefined;
    },
    { timeoutMs: 20_000 },
  );
  // The first heartbeat went without it.
  expect(early.software).toBeUndefined();
  const { software } = await waitUntil(
    'the slow command',
    async () => {
      const { facts } = await worker(fleet);
      return JSON.stringify(facts.software ?? {}).includes('7.1') ? facts : undefined;
    },
    { timeoutMs: 20_000 },
  );
  const items = software?.state === 'present' ? software.value.items : [];
  expect(items.filter(({ name }) => name !== 'python')).toEqual([
    { name: 'slow', version: '7.1', path: null, features: [] },
    { name: 'talib', version: 'TA-Lib 0.6.4', path: null, features: [] },
  ]);
  expect(JSON.stringify(software)).toContain('no broken: sh ended with 3: no licence');
}, 60_000);

test('commands cannot come from a flag', async () => {
  const argv = [BINARY, 'run', '--software-commands', '{"a":"id"}'];
  const { code, stderr } = await exec(argv, { timeoutMs: 10_000 });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--software-commands') });
});

function probedAtMs({ facts: { cpu } }: Worker): number {
  return cpu.state === 'present' ? cpu.probedAtMs : 0;
}

async function worker(fleet: Fleet): Promise<Worker> {
  const { body } = await fleet.api('GET', '/api/v1/workers');
  const { data } = z.object({ data: z.array(workerSchema) }).parse(body);
  return present(data[0], 'a worker');
}
