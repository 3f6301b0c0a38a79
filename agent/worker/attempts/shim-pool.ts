import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shimStateSchema } from '#agent/contract/job';
import type { AgentToShim, ShimOptions, ShimToAgent } from '#agent/contract/job';
import { readJsonFile, shimFiles } from '#agent/worker/attempt-files';
import { identityOf } from '#agent/worker/recorded-process';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { isSameProcess, waitForExit } from '#agent/kit/process';
import { endLeftovers } from './leftovers';
import { ShimLink } from './shim-link';
import { spawnShim } from './spawn-shim';

export interface ShimPoolOptions {
  shimsDir: string;
  /** So many shims without work are kept warm. */
  idleMax: () => number;
  command: readonly string[];
  options: ShimOptions;
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Log;
  onMessage: (shim: PooledShim, message: Exclude<ShimToAgent, { type: 'hello' }>) => void;
  onReconnected: (shim: PooledShim) => void;
  /** It is dead, and so is everything it ran. */
  onDead: (shim: PooledShim, reason: string) => void;
}

/** One shim, through whatever connection there is to it at the moment. */
export interface PooledShim {
  readonly id: string;
  readonly dir: string;
  link: ShimLink;
  send(message: AgentToShim): void;
}

const CONNECT_MS = 5_000;
const RECONNECT_MS = 3_000;
const END_MS = 5_000;
/** Of a unix socket's path, its final zero not counted. */
const SOCKET_PATH_BYTES_MAX = 107;

/** All shims of this host: those that work, those that are warm, and the debris of those that died. */
export class ShimPool {
  readonly #options: ShimPoolOptions;
  readonly #shims = new Set<PooledShim>();
  readonly #idle: PooledShim[] = [];
  #isClosed = false;

  constructor(options: ShimPoolOptions) {
    this.#options = options;
    const bytes = Buffer.byteLength(shimFiles(join(options.shimsDir, '12345678')).socket);
    if (bytes > SOCKET_PATH_BYTES_MAX) {
      throw new Fault(
        'settings',
        `Cannot use ${options.shimsDir}: the path of a socket in it would be too long`,
        {
          hint: `choose a runtime directory that is at least ${bytes - SOCKET_PATH_BYTES_MAX} bytes shorter`,
        },
      );
    }
    mkdirSync(options.shimsDir, { recursive: true, mode: 0o700 });
  }

  /** A warm shim, or a new one. Throws a Fault when none can be started. */
  async take(): Promise<PooledShim> {
    for (let shim = this.#idle.pop(); shim !== undefined; shim = this.#idle.pop()) {
      if (this.#shims.has(shim)) return shim;
    }
    return this.#adopt(await spawnShim(this.#options));
  }

  giveBack(shim: PooledShim): void {
    if (!this.#shims.has(shim)) return;
    const { version, commit } = shim.link.state.build;
    const isOurs = version === buildInfo.version && commit === buildInfo.commit;
    if (isOurs && !this.#isClosed && this.#idle.length < this.#options.idleMax()) this.#idle.push(shim);
    else this.discard(shim);
  }

  /** Ends a shim, and whatever it still runs, in its own time. */
  discard(shim: PooledShim): void {
    shim.send({ type: 'stop' });
    shim.link.close();
    this.#forget(shim);
  }

  /** Connects to the shims that live, and removes what the others left. */
  async recover(): Promise<PooledShim[]> {
    const dirs = readdirSync(this.#options.shimsDir).map((id) => join(this.#options.shimsDir, id));
    const found = await Promise.all(dirs.map((dir) => this.#recoverOne(dir)));
    return found.filter((shim) => shim !== undefined);
  }

  async close({ release }: { release: boolean }): Promise<void> {
    this.#isClosed = true;
    const shims = [...this.#shims];
    for (const shim of shims) {
      if (release) this.discard(shim);
      else shim.link.close();
    }
    if (release) await Promise.all(shims.map((shim) => this.#untilEnded(shim)));
  }

  async #untilEnded(shim: PooledShim): Promise<void> {
    const { clock, log } = this.#options;
    const identity = identityOf(shim.link.state.shim);
    const ended = await waitForExit(identity, { clock, timeoutMs: END_MS });
    if (!ended) log.warn('a shim did not end by itself: it is killed', { shim: shim.id });
    await this.#removeDebris(shim.dir);
  }

  #adopt(link: ShimLink): PooledShim {
    const shim: PooledShim = {
      id: basename(link.shimDir),
      dir: link.shimDir,
      link,
      send: (message) => shim.link.send(message),
    };
    this.#shims.add(shim);
    this.#listen(shim);
    return shim;
  }

  #listen(shim: PooledShim): void {
    shim.link.listen({
      message: (message) => this.#options.onMessage(shim, message),
      gone: () => void this.#gone(shim),
    });
  }

  async #gone(shim: PooledShim): Promise<void> {
    if (this.#isClosed || !this.#shims.has(shim)) return;
    // Nobody may take a shim that cannot be reached.
    const wasIdle = this.#removeIdle(shim);
    const link = await this.#reconnect(shim);
    if (link !== undefined) {
      shim.link = link;
      this.#listen(shim);
      if (wasIdle) this.giveBack(shim);
      else this.#options.onReconnected(shim);
      return;
    }
    const reason = `its shim died${lastWords(shimFiles(shim.dir).stderr)}`;
    this.#options.log.warn('a shim died', { shim: shim.id, reason });
    await this.#removeDebris(shim.dir);
    this.#options.onDead(shim, reason);
    this.#forget(shim);
  }

  /** Undefined once the process is dead, or does not answer although it lives. */
  async #reconnect(shim: PooledShim): Promise<ShimLink | undefined> {
    const { clock } = this.#options;
    const identity = identityOf(shim.link.state.shim);
    const deadlineMs = clock.bootMs() + RECONNECT_MS;
    const signal = AbortSignal.timeout(RECONNECT_MS);
    while (isSameProcess(identity) && clock.bootMs() < deadlineMs) {
      const link = await ShimLink.connect(shim.dir, signal).catch(() => undefined);
      if (link !== undefined) return link;
      await clock.sleep(20);
    }
    return undefined;
  }

  async #recoverOne(dir: string): Promise<PooledShim | undefined> {
    const state = readJsonFile(shimFiles(dir).state, shimStateSchema);
    if (state !== undefined && isSameProcess(identityOf(state.shim))) {
      const link = await ShimLink.connect(dir, AbortSignal.timeout(CONNECT_MS)).catch(() => undefined);
      if (link !== undefined) return this.#adopt(link);
    }
    await this.#removeDebris(dir);
    return undefined;
  }

  async #removeDebris(dir: string): Promise<void> {
    const { clock, log } = this.#options;
    const ended = await endLeftovers(dir, { clock, timeoutMs: END_MS });
    if (!ended) log.error('processes of a dead shim cannot be ended', { shim: basename(dir) });
    // A process that dies may still write: ENOTEMPTY is met again.
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }

  #forget(shim: PooledShim): void {
    this.#shims.delete(shim);
    this.#removeIdle(shim);
  }

  #removeIdle(shim: PooledShim): boolean {
    const index = this.#idle.indexOf(shim);
    if (index >= 0) this.#idle.splice(index, 1);
    return index >= 0;
  }
}

function lastWords(stderrPath: string): string {
  try {
    const text = readFileSync(stderrPath, 'utf8').trim();
    return text === '' ? '' : `: ${text.slice(-1000)}`;
  } catch {
    return '';
  }
}
