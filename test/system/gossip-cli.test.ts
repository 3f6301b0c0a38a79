import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { checkSchema } from '#agent/contract/doctor';
import { present } from '#agent/kit/assert';
import { BINARY, Daemon, Fleet } from '#test/support/fleet';
import { freePort } from '#test/support/free-port';
import { repository } from '#test/support/source-file';
import { waitUntil } from '#test/support/wait-until';

/** The commands about gossip, with the compiled binary: a control plane and two agents with one keyring. */
let fleet: Fleet;

const SET_UP_MS = 120_000;
setDefaultTimeout(60_000);

beforeAll(async () => {
  // One that it has again after a restart, whatever else runs on this machine.
  const controlEnvironment = { KTRDR_GOSSIP_PORT: String(await freePort()) };
  fleet = await Fleet.start({ agents: 2, controlEnvironment });
  await untilMembers((members) => members.length === 3 && members.every(({ status }) => status === 'alive'));
}, SET_UP_MS);
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
}, SET_UP_MS);

interface Member {
  name: string;
  status: string;
  tags: Record<string, string>;
}

async function members(...filters: string[]): Promise<Member[]> {
  const { stdout } = await fleet.cli(['members', '--json', ...filters]);
  return JSON.parse(stdout) as Member[];
}

async function untilMembers(holds: (members: Member[]) => boolean): Promise<Member[]> {
  let last: Member[] = [];
  await waitUntil(
    'gossip sees the fleet as wanted',
    async () => {
      last = await members();
      return holds(last);
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
  return last;
}

test('members shows who is there, what each is, and chooses by tag and status', async () => {
  const { code, stdout, stderr } = await fleet.cli(['members']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^MEMBER +STATUS +SINCE +UDP +ROLE/);
  expect(stdout).toMatch(/^control-\S+ +alive .* ok +control /m);
  expect(stdout.match(/ alive .* ok +worker /g)).toHaveLength(2);
  expect(stdout).toEndWith('3 members: 3 alive.\n');

  expect(await members('--tag', 'role=worker')).toHaveLength(2);
  expect(await members('--tag', 'role=WORK', '--tag', 'cores=^\\d+$', '--status', 'alive')).toHaveLength(2);
  expect(await members('--tag', 'role=worker', '--tag', 'role=control')).toHaveLength(1);
  expect(await members('--tag', 'gpu=no-such-model')).toEqual([]);
  expect(await members('--status', 'failed')).toEqual([]);
  const bad = await fleet.cli(['members', '--tag', 'role=(a+)+$']);
  expect(bad).toMatchObject({ code: 2, stdout: '' });
  expect(bad.stderr).toContain('it is no expression that this agent reads');
});

test('status says how many members gossip hears', async () => {
  expect((await fleet.cli(['status'])).stdout).toContain('\n  gossip 3 members\n');
});

test('query asks all, or some, and its answers are JSON', async () => {
  const version = await fleet.cli(['query', 'version']);
  expect(version.stderr).toBe('');
  expect(version.stdout).toMatch(/Acknowledged by 3 of 3, 3 answers in /);
  expect(version.stdout.match(/\{"version":"[^"]+","commit":/g)).toHaveLength(3);
  expect(version.code).toBe(0);

  const some = await fleet.cli(['query', 'capabilities', '--tag', 'role=worker', '--json']);
  const answers = JSON.parse(some.stdout) as { members: number; responses: Array<{ payload: string }> };
  expect(answers.members).toBe(2);
  for (const { payload } of answers.responses) expect(JSON.parse(payload)).toMatchObject({ role: 'worker' });

  const one = await fleet.cli(['query', 'uptime', '--node', 'agent-1', '--timeout', '2']);
  expect(one.stdout).toMatch(/\{"uptime_s":\d+\}[\s\S]*Acknowledged by 1 of 1/);
  const nobody = await fleet.cli(['query', 'uptime', '--tag', 'gpu=none']);
  expect(nobody).toMatchObject({ code: 1, stdout: expect.stringContaining('Nobody was asked') });
  // What nobody answers is acknowledged all the same.
  const unknown = await fleet.cli(['query', 'no-such-question', '--timeout', '1']);
  expect(unknown).toMatchObject({ code: 0, stdout: expect.stringContaining('3 of 3, 0 answers') });
});

test('event goes to everybody, and what is too large is refused', async () => {
  expect(await fleet.cli(['event', 'deploy', '1.4.2'])).toMatchObject({
    code: 0,
    stdout: 'Event deploy goes to 3 members.\n',
  });
  const large = await fleet.cli(['event', 'deploy', 'x'.repeat(512)]);
  expect(large.code).toBe(2);
  expect(large.stderr).toMatch(/Cannot send the event: .*512 are allowed/);
});

test('rtt is known after some probes', async () => {
  await waitUntil(
    'a round trip is known',
    async () => (await fleet.cli(['rtt', 'agent-1', 'agent-2'])).code === 0,
    {
      timeoutMs: 30_000,
      everyMs: 200,
    },
  );
  expect((await fleet.cli(['rtt', 'agent-1'])).stdout).toMatch(/^\S+ to control-\S+: \d+\.\d\d ms\n$/);
  const unknown = await fleet.cli(['rtt', 'agent-9']);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("Cannot find member 'agent-9'") });
});

test('keys rotate changes all keys step by step, and no key is ever shown', async () => {
  const before = await fleet.cli(['keys', 'list']);
  expect(before).toMatchObject({ code: 0, stderr: '' });
  const [, former] = /^([0-9a-f]{8}) +3 of 3 +3 of 3$/m.exec(before.stdout) ?? [];
  expect(former).toBeDefined();

  const own = randomBytes(32).toString('base64');
  const rotated = await fleet.cli(['keys', 'rotate', '--key-file', '-'], { stdin: new Blob([`${own}\n`]) });
  expect({ code: rotated.code, stderr: rotated.stderr }).toEqual({ code: 0, stderr: '' });
  expect(rotated.stdout).toMatch(/^install +3 of 3 {2}done\nuse +3 of 3 {2}done\nremove +3 of 3 {2}done\n/);

  const after = await fleet.cli(['keys', 'list']);
  expect(after.stdout).not.toContain(former ?? '');
  expect(after.stdout).toMatch(/^[0-9a-f]{8} +3 of 3 +3 of 3$/m);
  expect((await fleet.cli(['keys', 'rotate'])).code).toBe(0);
  expect((await members()).every(({ status }) => status === 'alive')).toBe(true);
  const wrong = await fleet.cli(['keys', 'use', '--key-file', '-'], { stdin: new Blob([own]) });
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toMatch(/^use +0 of 3 {2}NOT DONE\n {2}\S+: it does not hold that key/);
  const short = await fleet.cli(['keys', 'install', '--key-file', '-'], {
    stdin: new Blob([own.slice(0, 40)]),
  });
  expect(short.code).toBe(2);
  for (const text of [
    rotated.stdout,
    after.stdout,
    wrong.stdout,
    wrong.stderr,
    short.stderr,
    fleet.control.log(),
  ]) {
    expect(text).not.toContain(own.slice(0, 40));
  }
});

const page = await readFile(join(repository, 'docs/gossip.md'), 'utf8');
const commands = [...page.matchAll(/^ktrdr-agent (.+)$/gm)].map(([, line = '']) => line);
/** What says no on a fleet where all is well, and rightly so. */
const REFUSED: Readonly<Record<string, RegExp>> = { 'leave agent-2': /it is alive/ };

test('docs/gossip.md shows commands', () => {
  expect(commands.length).toBeGreaterThan(12);
});

test.each(commands)('%s', async (line) => {
  const { code, stdout, stderr } = await fleet.cli(line.split(' '));
  const refusal = REFUSED[line];
  // No service of this fleet has the ports of the default settings, where doctor looks.
  if (refusal === undefined) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  else expect(stderr).toMatch(refusal);
  expect(stdout + stderr).toMatch(/\S/);
});

/** What doctor says of gossip on the machine of a daemon: with its settings. */
async function doctor(environment: Readonly<Record<string, string>>) {
  const child = Bun.spawn([BINARY, 'doctor', 'gossip', '--json'], {
    env: { ...environment },
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: 20_000,
  });
  const text = await child.stdout.text();
  await child.exited;
  return z.object({ checks: z.array(checkSchema) }).parse(JSON.parse(text)).checks;
}

test('doctor finds gossip in order, on agents and control plane', async () => {
  for (const daemon of [fleet.control, present(fleet.agents[0], 'an agent')]) {
    const checks = await doctor(daemon.environment);
    expect(checks).toMatchObject([
      { state: 'ok', summary: expect.stringMatching(/hears 2 others; encrypted, 1 key$/) },
    ]);
  }
});

/** An agent of its own, and what doctor says on its machine. */
async function doctorOn(name: string, changes: Record<string, string>) {
  const first = present(fleet.agents[0], 'an agent');
  const directory = join(fleet.directory, name);
  const environment = {
    ...first.environment,
    KTRDR_STATE_DIR: join(directory, 'state'),
    KTRDR_RUNTIME_DIR: join(directory, 'run'),
    KTRDR_CACHE_DIR: join(directory, 'cache'),
    WORKER_PORT: String(await freePort()),
    WORKER_ID: name,
    ...changes,
  };
  const daemon = new Daemon({ name, role: 'worker', directory, environment });
  daemon.start();
  try {
    return await waitUntil(
      'doctor hears of the refusal',
      async () => {
        const checks = await doctor(environment);
        return checks.some(({ summary }) => summary.includes('hears nobody')) ? checks : undefined;
      },
      { timeoutMs: 30_000, everyMs: 300 },
    );
  } finally {
    daemon.signal('SIGTERM');
    await daemon.ended();
  }
}

test('doctor tells another keyring from a closed port', async () => {
  const strange = join(fleet.directory, 'strange.json');
  await writeFile(strange, JSON.stringify([randomBytes(32).toString('base64')]), { mode: 0o600 });
  expect(await doctorOn('stranger', { KTRDR_GOSSIP_KEYRING: strange })).toMatchObject([
    { state: 'bad', summary: expect.stringContaining('another keyring, or another label') },
  ]);
  const empty = `127.0.0.1:${await freePort()}`;
  const keyring = join(fleet.directory, 'lonely.json');
  await writeFile(keyring, JSON.stringify([randomBytes(32).toString('base64')]), { mode: 0o600 });
  const lonely = {
    KTRDR_GOSSIP_JOIN: empty,
    KTRDR_GOSSIP_KEYRING: keyring,
    KTRDR_API_URL: `http://${empty}`,
  };
  expect(await doctorOn('lonely', lonely)).toMatchObject([
    { state: 'bad', summary: expect.stringContaining('its port is closed, or it does not run') },
  ]);
}, 120_000);

test('members goes on without the control plane, as an agent of this machine hears it', async () => {
  const port = Number(present(fleet.agents[0], 'an agent').environment['WORKER_PORT']);
  await Bun.write(join(fleet.directory, 'settings.yaml'), `worker_port: ${port}\n`);
  await fleet.control.kill();
  await untilMembers((seen) =>
    seen.some(({ status, tags }) => tags['role'] === 'control' && status === 'failed'),
  );
  const { code, stdout, stderr } = await fleet.cli(['members', '--tag', 'role=control']);
  expect(code).toBe(1);
  expect(stderr).toContain('Cannot reach the control plane');
  expect(stderr).toContain(`This is what the agent at http://127.0.0.1:${port} hears.`);
  expect(stdout).toMatch(/^control-\S+ +failed .*answers nobody/m);
  fleet.control.start();
  await fleet.untilControlAnswers();
  await untilMembers((seen) => seen.length === 3 && seen.every(({ status }) => status === 'alive'));
  // What it asks now is new to all, though it asked before it died.
  expect((await fleet.cli(['query', 'version'])).stdout).toContain('Acknowledged by 3 of 3');
}, 120_000);

/** The name in gossip of the agent of a label. */
async function nameOf(wanted: string): Promise<string> {
  const { body } = await fleet.api('GET', '/api/v1/workers');
  const workers = z.array(z.object({ label: z.string(), name: z.string() })).parse(body['data']);
  return present(
    workers.find(({ label }) => label === wanted),
    wanted,
  ).name;
}

test('leave is for a failed member that will not come back', async () => {
  const alive = await fleet.cli(['leave', 'agent-2']);
  expect(alive).toMatchObject({ code: 1, stderr: expect.stringContaining('it is alive') });
  const unnamed = await fleet.cli(['leave']);
  expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining('an agent leaves by itself') });

  const name = await nameOf('agent-2');
  await present(fleet.agents[1], 'the second agent').kill();
  await untilMembers((seen) => seen.some((one) => one.name === name && one.status === 'failed'));
  const asked = await fleet.cli(['query', 'version', '--timeout', '2']);
  expect(asked.stdout).toContain('Acknowledged by 2 of 2');
  expect(await fleet.cli(['leave', 'agent-2'])).toMatchObject({
    code: 0,
    stdout: `${name} counts as left; it may join again whenever it starts.\n`,
  });
  await untilMembers((now) => now.find((one) => one.name === name)?.status === 'left');
  expect((await fleet.cli(['leave', name, '--prune'])).code).toBe(0);
  await untilMembers((now) => now.every((one) => one.name !== name));
}, 120_000);
