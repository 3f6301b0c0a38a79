import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { present } from '#agent/kit/assert';
import { readFleet } from '#agent/cli/dev/fleet-file';
import { isSameProcess, processIdentity, type ProcessIdentity } from '#agent/kit/process';
import { runCli } from '#test/support/cli';
import { tempDir, type TempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

/** `dev up`, `dev down` and what the other commands say meanwhile, from the sources. */
let folder: TempDir;
const env = (): Record<string, string> => ({ KTRDR_DEV_DIR: folder.path, HOME: folder.path });
const run = (...args: string[]): ReturnType<typeof runCli> =>
  runCli(args, { env: env(), timeoutMs: 110_000 });

beforeAll(async () => {
  folder = await tempDir('kt-dev-');
});
afterAll(async () => {
  await run('dev', 'down');
  await folder[Symbol.asyncDispose]();
}, 120_000);

const membersSchema = z.object({
  members: z.array(z.object({ name: z.string(), running: z.boolean(), process: z.object({ pid: z.int() }) })),
});

async function up(...args: string[]): Promise<Record<string, number>> {
  const { code, stdout, stderr } = await run('dev', 'up', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { members } = membersSchema.parse(JSON.parse(stdout));
  expect(members.every(({ running }) => running)).toBe(true);
  return Object.fromEntries(members.map(({ name, process }) => [name, process.pid]));
}

test('dev up starts a fleet once; a dead member comes back alone', async () => {
  const first = await up('--agents', '2', '--slots', '1');
  expect(Object.keys(first)).toEqual(['control', 'agent-1', 'agent-2']);
  expect(await up()).toEqual(first);

  const status = await run('status', '--json');
  expect(status.code).toBe(0);
  expect(JSON.parse(status.stdout)).toMatchObject({ state: 'ok', workers: [{}, {}] });

  process.kill(present(first['agent-2'], 'agent-2'), 'SIGKILL');
  await waitUntil('agent-2 is dead', async () => (await run('dev', 'status')).code === 1, {
    timeoutMs: 10_000,
  });
  const second = await up();
  expect(second['control']).toBe(first['control'] ?? 0);
  expect(second['agent-2']).not.toBe(first['agent-2'] ?? 0);
}, 180_000);

test('without the control plane status says so and shows what goes on', async () => {
  const fleet = present(readFleet(folder.path), 'the fleet');
  const control = present(fleet.members[0]?.process, 'the control plane');
  process.kill(control.pid, 'SIGKILL');
  await waitUntil('the control plane is gone', () => processIdentity(control.pid) === undefined);
  const { code, stdout } = await run('status');
  expect(code).toBe(2);
  expect(stdout).toContain(`Cannot reach the control plane at ${fleet.api_url}: connection refused`);
  for (const { port } of fleet.members.slice(1)) expect(stdout).toContain(`http://127.0.0.1:${port}`);
}, 60_000);

test('dev down leaves nothing, also of a control plane that was killed', async () => {
  const fleet = present(readFleet(folder.path), 'the fleet');
  const postmaster = Number.parseInt(
    readFileSync(`${folder.path}/control/postgres/postmaster.pid`, 'utf8'),
    10,
  );
  const members = fleet.members.flatMap(({ process }) => (process === null ? [] : [process.pid]));
  const alive = [postmaster, ...members].flatMap((pid): ProcessIdentity[] => {
    const identity = processIdentity(pid);
    return identity === undefined ? [] : [identity];
  });
  expect(alive.length).toBe(3);
  const { code, stdout } = await run('dev', 'down', '--json');
  expect(code).toBe(0);
  const report = z
    .object({ stopped: z.array(z.string()), killed: z.array(z.string()) })
    .parse(JSON.parse(stdout));
  expect(report.stopped.toSorted()).toEqual(['PostgreSQL', 'agent-1', 'agent-2']);
  expect(report.killed).toEqual([]);
  expect(alive.filter(isSameProcess)).toEqual([]);
  expect((await run('dev', 'status')).code).toBe(2);
  expect((await run('dev', 'down')).code).toBe(0);
}, 120_000);
