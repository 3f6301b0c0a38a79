import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { assert } from '#agent/kit/assert';
import { isSameProcess, killTree, processIdentity, type ProcessIdentity } from '#agent/kit/process';
import { queryEmbedded } from './as-user';
import { freePort } from './free-port';
import { waitUntil } from './wait-until';

/** The compiled binary: system tests never run from source. KTRDR_TEST_BINARY names another one. */
export const BINARY = resolve(process.env['KTRDR_TEST_BINARY'] ?? 'dist/ktrdr-agent');

const LOG_CHARS_SHOWN = 3_000;

export interface FleetOptions {
  agents: number;
  /** Durations as settings take them; short ones let outages pass quickly. */
  lease?: string;
  heartbeat?: string;
  slots?: number;
  databaseUrl?: string;
  /** Added to the environment of every agent. */
  agentEnvironment?: Record<string, string>;
  /** Added to the environment of the control plane. */
  controlEnvironment?: Record<string, string>;
}

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A daemon of the fleet: the same settings start it again after it was killed. */
export class Daemon {
  readonly name: string;
  readonly directory: string;
  readonly #environment: Record<string, string>;
  readonly #role: string;
  readonly #within: (argv: readonly string[]) => readonly string[];
  #process: Bun.Subprocess | undefined;

  constructor(options: {
    name: string;
    role: string;
    directory: string;
    environment: Record<string, string>;
    /** argv that runs a command where this daemon lives, such as in a network namespace. */
    within?: (argv: readonly string[]) => readonly string[];
  }) {
    this.name = options.name;
    this.directory = options.directory;
    this.#role = options.role;
    this.#environment = options.environment;
    this.#within = options.within ?? ((argv) => argv);
  }

  start(): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o755 });
    const log = openSync(this.logPath, 'a');
    this.#process = Bun.spawn([...this.#within([BINARY, 'run', '--role', this.#role])], {
      cwd: '/',
      env: this.#environment,
      stdio: ['ignore', log, log],
      detached: true,
    });
  }

  get pid(): number {
    assert(this.#process, `${this.name} was started`);
    return this.#process.pid;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Waits for the end after a signal. */
  async ended(timeoutMs = 40_000): Promise<number> {
    const running = this.#process;
    assert(running, `${this.name} was started`);
    await waitUntil(
      `${this.name} has ended`,
      () => running.exitCode !== null || running.signalCode !== null,
      {
        timeoutMs,
      },
    );
    return running.exitCode ?? 128;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended();
  }

  /** What it is started with, for a command that is to see what it sees. */
  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  get runtimeDir(): string {
    return this.#environment['KTRDR_RUNTIME_DIR'] ?? '';
  }

  get logPath(): string {
    return join(this.directory, 'log');
  }

  log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8') : '';
  }

  get running(): boolean {
    return (
      this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
    );
  }
}

/** A real fleet of the compiled binary on loopback, all of it below one temporary directory. */
export class Fleet implements AsyncDisposable {
  readonly directory: string;
  readonly control: Daemon;
  readonly agents: Daemon[];
  readonly apiUrl: string;
  readonly tokenFile: string;

  private constructor(parts: {
    directory: string;
    control: Daemon;
    agents: Daemon[];
    apiUrl: string;
    tokenFile: string;
  }) {
    this.directory = parts.directory;
    this.control = parts.control;
    this.agents = parts.agents;
    this.apiUrl = parts.apiUrl;
    this.tokenFile = parts.tokenFile;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    // Short, since paths of unix sockets are; and open to the user that the control plane becomes.
    const directory = join(tmpdir(), `kf-${randomBytes(4).toString('hex')}`);
    await mkdir(directory, { mode: 0o755 });
    await chmod(directory, 0o755);
    const port = await freePort();
    const apiUrl = `http://127.0.0.1:${port}`;
    const tokenFile = join(directory, 'control/state/token');
    const common = {
      PATH: '/usr/bin:/bin',
      HOME: directory,
      KTRDR_SETTINGS: join(directory, 'settings.yaml'),
      KTRDR_LEASE: options.lease ?? '3s',
      KTRDR_HEARTBEAT: options.heartbeat ?? '300ms',
      KTRDR_TOKEN_FILE: tokenFile,
      // Made by the control plane, as the token is.
      KTRDR_GOSSIP_KEYRING: join(directory, 'control/state/gossip/keyring.json'),
      KTRDR_API_URL: apiUrl,
    };
    await Bun.write(common.KTRDR_SETTINGS, '{}\n');
    const daemon = (name: string, role: string, more: Record<string, string>): Daemon =>
      new Daemon({
        name,
        role,
        directory: join(directory, name),
        environment: {
          ...common,
          KTRDR_STATE_DIR: join(directory, name, 'state'),
          KTRDR_RUNTIME_DIR: join(directory, name, 'run'),
          KTRDR_CACHE_DIR: join(directory, name, 'cache'),
          ...more,
        },
      });
    const control = daemon('control', 'control', {
      API_PORT: String(port),
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      ...options.controlEnvironment,
    });
    const agents: Daemon[] = [];
    for (let index = 0; index < options.agents; index++) {
      agents.push(
        daemon(`agent-${index + 1}`, 'worker', {
          WORKER_PORT: String(await freePort()),
          WORKER_ID: `agent-${index + 1}`,
          KTRDR_SLOTS: String(options.slots ?? 1),
          ...options.agentEnvironment,
        }),
      );
    }
    const fleet = new Fleet({ directory, control, agents, apiUrl, tokenFile });
    control.start();
    await fleet.untilControlAnswers();
    for (const agent of agents) agent.start();
    try {
      await fleet.untilWorkers(agents.length);
    } catch (cause) {
      const logs = agents.map((agent) => agent.log().slice(-LOG_CHARS_SHOWN)).join('\n');
      await fleet[Symbol.asyncDispose]();
      throw new Error(`not all agents came up; what they say:\n${logs}`, { cause });
    }
    return fleet;
  }

  /** Runs the binary against this fleet. */
  async cli(args: string[], options: { stdin?: Blob; timeoutMs?: number } = {}): Promise<CliResult> {
    const process = Bun.spawn([BINARY, ...args], {
      cwd: '/',
      env: {
        PATH: '/usr/bin:/bin',
        HOME: this.directory,
        NO_COLOR: '1',
        KTRDR_API_URL: this.apiUrl,
        KTRDR_TOKEN_FILE: this.tokenFile,
        KTRDR_SETTINGS: join(this.directory, 'settings.yaml'),
      },
      stdin: options.stdin ?? 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(process.stdout).text(),
      new Response(process.stderr).text(),
      process.exited,
    ]);
    return { code, stdout, stderr };
  }

  async api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  get token(): string {
    return readFileSync(this.tokenFile, 'utf8').trim();
  }

  /** Rows straight from the control plane's database. */
  async sql<T extends object>(text: string): Promise<T[]> {
    return await queryEmbedded<T>(this.control.runtimeDir, text);
  }

  async untilControlAnswers(): Promise<void> {
    await waitUntil(
      `the control plane answers\n${this.control.log()}`,
      async () => {
        assert(this.control.running, `the control plane runs:\n${this.control.log()}`);
        const response = await fetch(`${this.apiUrl}/health`, { signal: AbortSignal.timeout(1000) }).catch(
          () => undefined,
        );
        return response?.ok === true;
      },
      { timeoutMs: 60_000, everyMs: 50 },
    );
  }

  async untilWorkers(count: number): Promise<void> {
    await waitUntil(
      `${count} workers are available`,
      async () => {
        const { body } = await this.api('GET', '/api/v1/workers');
        return body['active_count'] === count;
      },
      { timeoutMs: 30_000, everyMs: 50 },
    );
  }

  /** Every process that has this fleet's directory in its environment or arguments. */
  async processes(): Promise<ProcessIdentity[]> {
    const found: ProcessIdentity[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      const identity = processIdentity(Number(name));
      if (identity && mentions(name, this.directory)) found.push(identity);
    }
    return found;
  }

  /** Stops everything gracefully and asserts that nothing is left running. */
  async stop(): Promise<void> {
    for (const daemon of [...this.agents, this.control]) if (daemon.running) daemon.signal('SIGTERM');
    for (const daemon of [...this.agents, this.control]) if (daemon.running) await daemon.ended();
    await waitUntil(
      'nothing of the fleet is left running',
      async () => (await this.processes()).length === 0,
      { timeoutMs: 15_000, everyMs: 100 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const identity of await this.processes()) if (isSameProcess(identity)) killTree(identity, 'SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}

function mentions(pid: string, text: string): boolean {
  try {
    return ['cmdline', 'environ', 'maps'].some((file) =>
      readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text),
    );
  } catch {
    // The process ended while we looked.
    return false;
  }
}
