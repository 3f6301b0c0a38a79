import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { present } from '#agent/kit/assert';
import { exec } from '#agent/kit/exec';
import { queryEmbedded } from './as-user';
import { BINARY, Daemon } from './fleet';
import { networkLab, type LabHost, type NetworkLab } from './network-lab';
import type { SweepFleet } from './sweep-run';
import { tempDir, type TempDir } from './temp-dir';
import { waitUntil } from './wait-until';

const workerViewSchema = z.object({
  label: z.string(),
  name: z.string(),
  last_healthy_at: z.string(),
  verdict: z.object({ state: z.string(), cause: z.string() }),
  gossip: z.object({ status: z.string(), udp: z.string(), since_ms: z.number() }).nullable(),
});
export type WorkerView = z.infer<typeof workerViewSchema>;

export const API_PORT = 8000;
export const AGENT_PORT = 5003;

export interface SpreadFleetOptions {
  hosts: number;
  /** Instead of the database that the control plane carries. */
  database?: { sql: SweepFleet['sql']; url: string; user: string };
}

/**
 * A fleet of the compiled binary whose machines are hosts of a lab, by their numbers: each is told the
 * address of another one, the keyring and the token, and nobody is told where the API is.
 */
export class SpreadFleet implements SweepFleet, AsyncDisposable {
  readonly hosts: readonly LabHost[];
  readonly #options: SpreadFleetOptions;
  readonly #folder: string;
  readonly #owned: AsyncDisposableStack;
  readonly #daemons: Daemon[] = [];
  /** Which host `api` and `cli` ask. */
  #asked = 0;
  #runtimeDir = '';

  private constructor(options: SpreadFleetOptions, parts: { lab: NetworkLab; folder: TempDir }) {
    this.#options = options;
    this.#folder = parts.folder.path;
    this.hosts = parts.lab.hosts;
    this.#owned = new AsyncDisposableStack();
    this.#owned.use(parts.folder);
    this.#owned.use(parts.lab);
  }

  static async open(options: SpreadFleetOptions): Promise<SpreadFleet> {
    const folder = await tempDir('ks-');
    // Whoever the control planes become must write there.
    await mkdir(join(folder.path, 'keys'));
    await chmod(join(folder.path, 'keys'), 0o777);
    await Bun.write(join(folder.path, 'settings.yaml'), '{}\n');
    return new SpreadFleet(options, { folder, lab: await networkLab(options.hosts) });
  }

  /** A control plane; the same name is the same installation, wherever it starts. */
  control(host: number, name = 'control', seeds: readonly number[] = []): Daemon {
    const { database } = this.#options;
    const made = this.#daemon(host, name, {
      role: 'control',
      seeds,
      environment: {
        API_HOST: this.host(host).address,
        API_PORT: String(API_PORT),
        ...(database && { DATABASE_URL: database.url, KTRDR_RUN_AS: database.user }),
      },
    });
    this.#runtimeDir = made.runtimeDir;
    return made;
  }

  agent(host: number, seeds: readonly number[]): Daemon {
    return this.#daemon(host, `agent-${host}`, {
      role: 'worker',
      seeds,
      environment: {
        WORKER_ID: `agent-${host}`,
        WORKER_IP: '0.0.0.0',
        WORKER_PORT: String(AGENT_PORT),
        KTRDR_SLOTS: '1',
      },
    });
  }

  host(index: number): LabHost {
    return present(this.hosts[index], `host ${index}`);
  }

  /** Waits for a control plane that answers at that host, and asks there from now on. */
  async untilAnswers(host: number): Promise<void> {
    this.#asked = host;
    await waitUntil(
      'a control plane answers',
      async () => existsSync(this.#tokenFile) && (await this.api('GET', '/api/v1/workers')).status === 200,
      { timeoutMs: 60_000, everyMs: 100 },
    );
  }

  async untilReady(count: number): Promise<void> {
    await waitUntil(
      `${count} agents are ready`,
      async () => {
        const states = Object.values(await this.workers()).map(({ verdict }) => verdict.state);
        return states.filter((state) => state === 'ready').length === count;
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
  }

  /** As the control plane judges them now, by label. */
  async workers(): Promise<Record<string, WorkerView>> {
    const { body } = await this.api('GET', '/api/v1/workers');
    const views = z.array(workerViewSchema).parse(body['data']);
    return Object.fromEntries(views.map((view) => [view.label, view]));
  }

  /** Statuses of the members as the agent or control plane at a host sees them, by name. */
  async membersAt(host: number, port: number): Promise<Record<string, string>> {
    const url = `http://${this.host(host).address}:${port}/api/v1/gossip/members`;
    const { body } = await this.#curl(host, [url]);
    const members = z.array(z.object({ name: z.string(), status: z.string() })).parse(body['data']);
    return Object.fromEntries(members.map(({ name, status }) => [name, status]));
  }

  async api(method: string, path: string, body?: unknown): ReturnType<SweepFleet['api']> {
    const json = ['-H', 'content-type: application/json', '-d', JSON.stringify(body)];
    return await this.#curl(this.#asked, [
      '-X',
      method,
      ...(body === undefined ? [] : json),
      `${this.#apiUrl}${path}`,
    ]);
  }

  async cli(args: string[], { stdin, timeoutMs = 60_000 }: Parameters<SweepFleet['cli']>[1] = {}) {
    const child = Bun.spawn(this.host(this.#asked).within([BINARY, ...args]), {
      cwd: '/',
      env: { ...this.#environment, KTRDR_API_URL: this.#apiUrl },
      stdin: stdin ?? 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  async sql<T extends object>(text: string): Promise<T[]> {
    return (await this.#options.database?.sql<T>(text)) ?? (await queryEmbedded<T>(this.#runtimeDir, text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) if (daemon.running) daemon.signal('SIGTERM');
    for (const daemon of this.#daemons) if (daemon.running) await daemon.ended();
    await this.#owned.disposeAsync();
  }

  #daemon(
    host: number,
    name: string,
    parts: { role: string; seeds: readonly number[]; environment: Record<string, string> },
  ): Daemon {
    const directory = join(this.#folder, name);
    const made = new Daemon({
      name,
      role: parts.role,
      directory,
      within: this.host(host).within,
      environment: {
        ...this.#environment,
        KTRDR_GOSSIP_JOIN: parts.seeds.map((seed) => this.host(seed).address).join(','),
        KTRDR_STATE_DIR: join(directory, 'state'),
        KTRDR_RUNTIME_DIR: join(directory, 'run'),
        KTRDR_CACHE_DIR: join(directory, 'cache'),
        ...parts.environment,
      },
    });
    this.#daemons.push(made);
    return made;
  }

  get #tokenFile(): string {
    return join(this.#folder, 'keys/token');
  }

  get #apiUrl(): string {
    return `http://${this.host(this.#asked).address}:${API_PORT}`;
  }

  get #environment(): Record<string, string> {
    return {
      PATH: '/usr/bin:/bin:/usr/sbin',
      HOME: this.#folder,
      NO_COLOR: '1',
      KTRDR_SETTINGS: join(this.#folder, 'settings.yaml'),
      KTRDR_TOKEN_FILE: this.#tokenFile,
      KTRDR_GOSSIP_KEYRING: join(this.#folder, 'keys/keyring.json'),
      KTRDR_INSECURE: 'true',
      KTRDR_LEASE: '5s',
      KTRDR_HEARTBEAT: '500ms',
    };
  }

  async #curl(host: number, args: readonly string[]): ReturnType<SweepFleet['api']> {
    const authorization = `authorization: Bearer ${readFileSync(this.#tokenFile, 'utf8').trim()}`;
    const fixed = ['curl', '-sS', '-m', '30', '-w', '\n%{http_code}', '-H', authorization];
    const argv = this.host(host).within([...fixed, ...args]);
    const { code, stdout, stderr } = await exec(argv, { timeoutMs: 40_000 });
    if (code !== 0) throw new Error(stderr);
    const end = stdout.lastIndexOf('\n');
    const body = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout.slice(0, end)));
    return { status: Number(stdout.slice(end + 1)), body };
  }
}
