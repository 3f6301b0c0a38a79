import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '#agent/kit/assert';
import { exec } from '#agent/kit/exec';
import { readMachineId } from '#agent/worker/identity';
import { cliCommand } from '#test/support/cli';
import { controlGroup, controlGroupMissing } from '#test/support/control-group';
import { doctor, untouched, type ExaminationOptions } from '#test/support/examination';
import { Fleet, type Daemon } from '#test/support/fleet';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

/** `doctor` of the compiled binary, on healthy machines and on ones that were made sick for real. */
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
setDefaultTimeout(60_000);
const TEST_MS = 60_000;
/** What the machine that runs the tests may truly lack. */
const OF_THE_MACHINE = ['time-sync', 'swap', 'memory', 'disk', 'limits', 'cpu'];
/** "never more than 5 s", with the start of the program on a busy machine. */
const WALL_MS_MAX = 5_500;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 2, lease: '2s' });
}, TEST_MS);
afterAll(async () => {
  await fleet.stop();
  await fleet[Symbol.asyncDispose]();
}, TEST_MS);

const agent = (index: number): Daemon => present(fleet.agents[index], `agent ${index}`);
const asAgent = (): ExaminationOptions['environment'] => ({ ...agent(0).environment, KTRDR_ROLE: 'worker' });

describe('healthy', () => {
  test('an agent and its control plane', async () => {
    const before = filesOf(agent(0).directory);
    const { checks, code, stdout, wallMs } = await doctor({ environment: asAgent(), keep: 'healthy-agent' });
    const troubled = checks.filter(({ name, state }) => state !== 'ok' && !OF_THE_MACHINE.includes(name));
    expect(troubled.filter(({ state }) => state !== 'skipped')).toEqual([]);
    expect(checks.length).toBeGreaterThan(30);
    expect(code).toBeLessThan(2);
    expect(wallMs).toBeLessThan(WALL_MS_MAX);
    // Nothing is left behind, and nothing is given away.
    expect(filesOf(agent(0).directory)).toEqual(before);
    expect(stdout).not.toContain(fleet.token);
  });

  test('the machine of the control plane, with its PostgreSQL', async () => {
    const environment = { ...fleet.control.environment, KTRDR_ROLE: 'control' };
    const examined = await doctor({ environment, keep: 'healthy-control-plane' });
    const { checks } = examined;
    expect(checks.filter(({ state, name }) => state === 'bad' && !OF_THE_MACHINE.includes(name))).toEqual([]);
    expect(examined.check('postgres').summary).toMatch(/^PostgreSQL 18, pid \d+, run by user \d+$/);
    expect(examined.check('ports').summary).toContain(`(pid ${fleet.control.pid}`);
    expect(examined.check('slots')).toMatchObject({ state: 'skipped', summary: 'no agent on this machine' });
  });

  test.skipIf(!isRoot)('as another user, who may not look at everything', async () => {
    await using folder = await tempDir();
    await chmod(folder.path, 0o777);
    const environment = {
      ...(await untouched(folder.path)),
      KTRDR_API_URL: fleet.apiUrl,
      KTRDR_ROLE: 'control',
      API_PORT: new URL(fleet.apiUrl).port,
    };
    const examined = await doctor({ environment, uid: NOBODY, keep: 'as-another-user' });
    expect(examined.check('ports')).toMatchObject({ state: 'ok' });
  });

  test('some checks alone, and a name that is none', async () => {
    const { checks } = await doctor({ environment: asAgent(), checks: ['ports', 'schema'] });
    expect(checks.map(({ name }) => name)).toEqual(['ports', 'schema']);
    const wrong = await fleet.cli(['doctor', 'port']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('hint: did you mean ports?');
  });

  test('it fits the terminal and has no colours where none are wanted', async () => {
    const narrow = await exec([...cliCommand(true), 'doctor', '--explain'], {
      timeoutMs: 20_000,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', COLUMNS: '60', ...definedOnly(asAgent()) },
    });
    expect(narrow.stdout).not.toContain('\u001b');
    const tooLong = narrow.stdout.split('\n').filter((line) => Bun.stringWidth(line) > 60);
    expect(tooLong.filter((line) => line.includes('  '))).toEqual([]);
  });
});

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
}

function definedOnly(environment: ExaminationOptions['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

describe('sick', () => {
  test(
    'the control plane is down',
    async () => {
      fleet.control.signal('SIGTERM');
      await fleet.control.ended();
      const sick = await doctor({ environment: asAgent(), keep: 'control-plane-down' });
      expect(sick.code).toBe(2);
      expect(sick.check('control-plane')).toMatchObject({ state: 'bad' });
      expect(sick.check('control-plane').summary).toContain('connection refused: nobody listens there');
      expect(sick.check('control-plane').fix).toContain('start it: ktrdr-agent run --role control');
      expect(sick.check('schema')).toMatchObject({ state: 'skipped' });
      // The fix.
      fleet.control.start();
      await fleet.untilControlAnswers();
      await fleet.untilWorkers(2);
      const well = await doctor({ environment: asAgent() });
      expect(well.check('control-plane').state).toBe('ok');
      const hears = async () =>
        (await doctor({ environment: asAgent(), checks: ['agent'] })).check('agent').state === 'ok';
      await waitUntil('the agent hears it again', hears, { timeoutMs: 10_000, everyMs: 200 });
    },
    TEST_MS,
  );

  test(
    'the control plane hangs: doctor does not',
    async () => {
      fleet.control.signal('SIGSTOP');
      try {
        const sick = await doctor({ environment: asAgent(), keep: 'control-plane-hangs' });
        expect(sick.wallMs).toBeLessThan(WALL_MS_MAX);
        expect(sick.check('control-plane').summary).toContain('does not answer within');
        expect(sick.code).toBe(2);
      } finally {
        fleet.control.signal('SIGCONT');
      }
      await fleet.untilWorkers(2);
      expect((await doctor({ environment: asAgent() })).check('control-plane').state).toBe('ok');
    },
    TEST_MS,
  );

  test('others can read the token', async () => {
    await chmod(fleet.tokenFile, 0o644);
    const sick = await doctor({ environment: asAgent(), keep: 'token-readable-by-others' });
    expect(sick.check('token')).toMatchObject({
      state: 'warn',
      summary: `others can read the token ${fleet.tokenFile} (mode 0644)`,
    });
    await exec((sick.check('token').fix ?? '').split(' '), { timeoutMs: 5_000 });
    expect((await doctor({ environment: asAgent() })).check('token').state).toBe('ok');
  });

  test('the token is another one', async () => {
    await using folder = await tempDir();
    const path = join(folder.path, 'token');
    await writeFile(path, `${'x'.repeat(43)}\n`, { mode: 0o600 });
    const environment = { ...asAgent(), KTRDR_TOKEN_FILE: path };
    const sick = await doctor({ environment, keep: 'token-wrong' });
    expect(sick.check('token')).toMatchObject({ state: 'bad' });
    expect(sick.check('token').summary).toBe(`the control plane does not accept the token of ${path}`);
    expect(sick.check('control-plane').state).toBe('ok');
    const [, file] = /KTRDR_TOKEN_FILE=(\S+)/.exec(sick.check('token').fix ?? '') ?? [];
    expect(file).toBe(fleet.tokenFile);
    const well = await doctor({ environment: { ...environment, KTRDR_TOKEN_FILE: file } });
    expect(well.check('token').summary).toContain('accepted by the control plane');
  });

  test('the identity: readable by others, and of another machine', async () => {
    const path = join(agent(0).directory, 'state/identity.json');
    await chmod(path, 0o644);
    const open = await doctor({
      environment: asAgent(),
      checks: ['identity'],
      keep: 'identity-readable-by-others',
    });
    expect(open.check('identity')).toMatchObject({
      state: 'warn',
      summary: 'others can read the key of this node (mode 0644)',
    });
    await exec((open.check('identity').fix ?? '').split(' '), { timeoutMs: 5_000 });
    expect((await doctor({ environment: asAgent(), checks: ['identity'] })).state).toBe('ok');

    const text = await readFile(path, 'utf8');
    if (readMachineId() === null) return console.log('skipped: a copied identity: no /etc/machine-id');
    await writeFile(path, text.replace(/"machine": "[^"]*"/, '"machine": "of another one"'));
    const copied = await doctor({
      environment: asAgent(),
      checks: ['identity'],
      keep: 'identity-of-another-machine',
    });
    await writeFile(path, text);
    expect(copied.check('identity').state).toBe('warn');
    expect(copied.check('identity').summary).toStartWith('the identity was made on another machine');
    expect(copied.check('identity').fix).toContain('restart the agent');
    expect((await doctor({ environment: asAgent(), checks: ['identity'] })).state).toBe('ok');
  });

  test('the schema has drifted', async () => {
    // One at a time: a lock on both tables would wait for work that goes on, and that for it.
    await fleet.sql('drop index lease_until');
    await fleet.sql('alter table node add column foo text');
    const sick = await doctor({ environment: asAgent(), keep: 'schema-drift' });
    const { state, summary, fix, derivation } = sick.check('schema');
    expect(state).toBe('bad');
    expect(summary).toContain('index lease_until of lease is missing: btree (until)');
    expect(derivation).toContain('column node.foo is not of ours: text');
    await fleet.sql(statementsOf(fix));
    const better = (await doctor({ environment: asAgent() })).check('schema');
    expect(better).toMatchObject({ state: 'warn', summary: 'column node.foo is not of ours: text' });
    await fleet.sql(statementsOf(better.fix));
    expect((await doctor({ environment: asAgent() })).check('schema').state).toBe('ok');
  });

  test('another version of this program', async () => {
    const program = cliCommand();
    const sick = await doctor({ environment: asAgent(), program, keep: 'version-differs' });
    expect(sick.check('version')).toMatchObject({ state: 'warn' });
    expect(sick.check('version').summary).toMatch(
      /^the agent at port \d+ runs version .+, this program is dev$/,
    );
    expect(sick.check('version').fix).toContain('install one version everywhere');
    expect((await doctor({ environment: asAgent() })).check('version').state).toBe('ok');
  });

  test(
    'an agent of the fleet is lost',
    async () => {
      await agent(1).kill();
      const isLost = async () => {
        const examined = await doctor({ environment: asAgent(), checks: ['agents'] });
        return examined.check('agents').summary.includes(' is lost: no heartbeat for ') && examined;
      };
      const sick = await waitUntil('the agent is lost', isLost, { timeoutMs: 20_000, everyMs: 200 });
      expect(sick.code).toBe(1);
      expect(sick.check('agents').fix).toContain('ktrdr-agent run --role worker');
      await doctor({ environment: asAgent(), keep: 'agent-lost' });
      agent(1).start();
      await fleet.untilWorkers(2);
      expect((await doctor({ environment: asAgent() })).check('agents').state).toBe('ok');
    },
    TEST_MS,
  );
});

/** The SQL of a fix, as somebody would copy it. */
function statementsOf(fix: string | null): string {
  return (fix ?? '').slice((fix ?? '').indexOf(': ') + 2);
}

const noGroups = await controlGroupMissing('the limits of an agent in a control group');

test.skipIf(noGroups)('the limits of the agent are seen from outside of its control group', async () => {
  await using group = await controlGroup({ cores: 0.5 });
  const { pid } = agent(0);
  try {
    group.take(pid);
    const sick = await doctor({ environment: asAgent(), checks: ['cpu'], keep: 'agent-with-half-a-core' });
    expect(sick.check('cpu').summary).toContain('a quota leaves 0.5 cores');
    await exec(['sh', '-c', sick.check('cpu').fix ?? ''], { timeoutMs: 5_000 });
    expect((await doctor({ environment: asAgent(), checks: ['cpu'] })).check('cpu').state).toBe('ok');
  } finally {
    group.leave(pid);
  }
});

describe('sick in a world of its own', () => {
  const library = faketimeLibrary();
  if (library === undefined) console.log('skipped: a clock that is off: libfaketime is not installed');

  test.skipIf(library === undefined)(
    'the clock of the control plane is off',
    async () => {
      const skew = { LD_PRELOAD: library ?? '', FAKETIME: '+8s', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
      await using skewed = await Fleet.start({
        agents: 0,
        controlEnvironment: skew,
      });
      const environment = { ...skewed.control.environment, LD_PRELOAD: undefined, KTRDR_ROLE: 'control' };
      const sick = await doctor({ environment, keep: 'clock-skewed' });
      expect(sick.check('clock').state).toBe('bad');
      expect(sick.check('clock').summary).toMatch(
        /^the control plane's clock is [78]\.\d s ahead of this machine's$/,
      );
      expect(sick.check('clock').fix).toMatch(/timedatectl set-ntp true|chronyc makestep|NTP client/);
      // Set alike, as the fix would, they agree.
      const well = await doctor({ environment: { ...environment, ...skew }, checks: ['clock'] });
      expect(well.check('clock').state).toBe('ok');
      // Its database has the right time.
      expect(sick.check('database').summary).toMatch(/clock is [78]\.\d s behind that of the control plane/);
      await skewed.stop();
    },
    TEST_MS,
  );
});

function faketimeLibrary(): string | undefined {
  const found = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
    (triplet) => `/usr/lib/${triplet}/faketime/libfaketime.so.1`,
  );
  return found.find(existsSync);
}
