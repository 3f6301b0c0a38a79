/** The agent as a process among real interfaces, in network namespaces that each test makes and removes. */
import { describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exec } from '#agent/kit/exec';
import { PEER_TOKEN } from '#test/support/control-peer';
import { netNamespaces, netNamespacesMissing, type NetNamespace } from '#test/support/net-namespaces';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';

const ROOT = resolve(import.meta.dir, '../..');
const missing = await netNamespacesMissing('addresses among real interfaces');

interface Lab extends AsyncDisposable {
  readonly agentSide: NetNamespace;
  readonly controlSide: NetNamespace;
  /** URLs under which agents registered, in order. */
  registered(): string[];
  startAgent(environment: Record<string, string>): RunningAgent;
}

interface RunningAgent {
  readonly child: Bun.Subprocess;
  log(): string;
}

/** A control peer on one side, agents on the other, two cables between with an IPv4 and an IPv6 network each. */
async function lab(): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir());
  const namespaces = stack.use(await netNamespaces(2));
  const { left: controlSide, right: agentSide } = namespaces;
  for (const [{ ip }, host] of [
    [controlSide, '1'],
    [agentSide, '2'],
  ] as const) {
    for (const cable of [0, 1]) {
      await ip(`addr add 198.18.${cable}.${host}/24 dev eth${cable}`);
      await ip(`addr add fd18:${cable}::${host}/64 dev eth${cable} nodad`);
    }
  }
  const children = stack.use(childProcesses());
  const output = join(folder.path, 'registered');
  children.spawn(controlSide.within([process.execPath, 'test/support/workloads/control-peer.ts', '8000']), {
    stdout: Bun.file(output),
  });
  const lines = (): string[] => readFileSync(output, 'utf8').trim().split('\n');
  await waitUntil('the control peer', () => lines()[0] === 'ready', { timeoutMs: 20_000 });
  const owned = stack.move();
  return {
    agentSide,
    controlSide,
    registered: () => lines().slice(1),
    startAgent: (environment) => startAgent({ children, agentSide, folder: folder.path, environment }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface ChildProcesses extends AsyncDisposable {
  spawn(
    argv: string[],
    options: { stdout?: Bun.BunFile; stderr?: Bun.BunFile; env?: Record<string, string> },
  ): Bun.Subprocess;
}

function childProcesses(): ChildProcesses {
  const children: Bun.Subprocess[] = [];
  return {
    spawn: (argv, { stdout, stderr, env }) => {
      const child = Bun.spawn(argv, {
        cwd: ROOT,
        stdin: 'ignore',
        stdout: stdout ?? 'ignore',
        stderr: stderr ?? 'ignore',
        ...(env === undefined ? {} : { env }),
      });
      children.push(child);
      return child;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map((child) => child.exited));
    },
  };
}

interface StartOptions {
  children: ChildProcesses;
  agentSide: NetNamespace;
  folder: string;
  environment: Record<string, string>;
}

function startAgent({ children, agentSide, folder, environment }: StartOptions): RunningAgent {
  const state = join(folder, 'state');
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'token'), `${PEER_TOKEN}\n`, { mode: 0o600 });
  const logPath = join(folder, 'log');
  const child = children.spawn(agentSide.within([process.execPath, join(ROOT, 'agent/main.ts'), 'run']), {
    stderr: Bun.file(logPath),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      KTRDR_ROLE: 'worker',
      KTRDR_API_URL: 'http://198.18.0.1:8000',
      KTRDR_STATE_DIR: state,
      KTRDR_RUNTIME_DIR: join(folder, 'run'),
      KTRDR_CACHE_DIR: join(folder, 'cache'),
      KTRDR_INSECURE: 'true',
      WORKER_PORT: '5003',
      WORKER_IP: '0.0.0.0',
      ...environment,
    },
  });
  return { child, log: () => readFileSync(logPath, 'utf8') };
}

async function reaches(from: NetNamespace, url: string): Promise<boolean> {
  const argv = from.within(['curl', '-s', '-m', '2', '-o', '/dev/null', `${url}/health`]);
  return (await exec(argv, { timeoutMs: 10_000 })).code === 0;
}

const PATIENCE = { timeoutMs: 25_000 };

describe.skipIf(missing)('an agent among several interfaces', () => {
  test.each([
    ['the first cable', {}, 'http://198.18.0.2:5003'],
    ['the second cable', { KTRDR_API_URL: 'http://198.18.1.1:8000' }, 'http://198.18.1.2:5003'],
    ['IPv6', { KTRDR_API_URL: 'http://[fd18:1::1]:8000', WORKER_IP: '::' }, 'http://[fd18:1::2]:5003'],
    // Nobody could reach the IPv6 address of an agent that listens on IPv4 alone.
    ['IPv6 while it listens on IPv4', { KTRDR_API_URL: 'http://[fd18:1::1]:8000' }, 'http://198.18.1.2:5003'],
    ['one address of its own', { WORKER_IP: '198.18.1.2' }, 'http://198.18.1.2:5003'],
    ['one IPv6 address of its own', { WORKER_IP: 'fd18:0::2' }, 'http://[fd18:0::2]:5003'],
  ])(
    'by %s, announces an address at which it answers',
    async (_, environment, url) => {
      await using setup = await lab();
      const agent = setup.startAgent(environment);
      const registered = await waitUntil('the registration', () => setup.registered()[0], PATIENCE);
      expect(registered).toBe(url);
      expect(await reaches(setup.controlSide, url)).toBe(true);
      expect(agent.log()).toMatch(/message="others are told this address" url=\S+ why="/);
    },
    60_000,
  );

  test('bound to one address, is not there on the others', async () => {
    await using setup = await lab();
    setup.startAgent({ WORKER_IP: '198.18.1.2' });
    await waitUntil('the registration', () => setup.registered()[0], PATIENCE);
    expect(await reaches(setup.controlSide, 'http://198.18.1.2:5003')).toBe(true);
    expect(await reaches(setup.controlSide, 'http://198.18.0.2:5003')).toBe(false);
  }, 60_000);

  test('bound to an address it does not have, names those it has', async () => {
    await using setup = await lab();
    const agent = setup.startAgent({ WORKER_IP: '198.18.7.7' });
    expect(await agent.child.exited).toBe(2);
    expect(agent.log()).toContain(
      'Cannot listen on 198.18.7.7:5003: this machine does not have that address',
    );
    expect(agent.log()).toMatch(/set worker_host \(WORKER_IP\) to one of .*198\.18\.0\.2, .*198\.18\.1\.2/);
  }, 60_000);

  test('tells the new address when its own changes, without a restart', async () => {
    await using setup = await lab();
    const agent = setup.startAgent({});
    await waitUntil('the registration', () => setup.registered()[0], PATIENCE);
    await setup.agentSide.ip('addr del 198.18.0.2/24 dev eth0');
    await setup.agentSide.ip('addr add 198.18.0.99/24 dev eth0');
    const later = await waitUntil('another registration', () => setup.registered()[1], PATIENCE);
    expect(later).toBe('http://198.18.0.99:5003');
    expect(await reaches(setup.controlSide, later)).toBe(true);
    expect(agent.log()).toContain('others are told another address from now on');
    expect(agent.child.exitCode).toBeNull();
  }, 60_000);
});
