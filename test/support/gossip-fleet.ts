import type { Subprocess } from 'bun';
import { join } from 'node:path';
import { z } from 'zod';
import { present } from '#agent/kit/assert';
import { inside, must, openSpace, readTraffic, SERF_RPC_PORT, type Traffic } from './gossip-space';
import { prepareSerfTag, type TagChange } from './serf-rpc';
import { tempDir } from './temp-dir';
import { waitUntil } from './wait-until';

/**
 * A whole group of one make in a network namespace of its own, every member a process, for benches beside
 * real serf. News is read from each member's output as it is written and stamped on arrival, by the same
 * code for both: serf's event handlers and RPC stream would come up to three seconds late, since the agent
 * coalesces what it gives them; its log does not.
 */
export interface GossipFleet extends AsyncDisposable {
  readonly make: Make;
  readonly size: number;
  pid(index: number): number;
  /** When each of the other running members said this news of that member, in performance.now(). */
  watch(index: number, news: News): Watch;
  kill(index: number): void;
  restart(index: number): Promise<void>;
  /** Resolves when every member holds every member for alive. */
  whole(timeoutMs?: number): Promise<void>;
  /** Readies a change of that member's tags, so that what it costs to tell it does not count. */
  prepareTag(index: number): Promise<TagChange>;
  /** Packets and bytes with IP headers that the whole namespace sent so far. */
  traffic(): Promise<Record<'udp' | 'tcp', Traffic>>;
  /** "Failed" said of members that were running. */
  falseAlarms(): number;
}

export type Make = 'ours' | 'serf';
export type News = 'join' | 'update' | 'failed';

export interface Watch extends Disposable {
  /** Times of those who said it so far. */
  readonly atMs: readonly number[];
  /** Resolves when all have; rejects after `timeoutMs`. */
  all(timeoutMs: number): Promise<void>;
}

export interface FleetOptions {
  make: Make;
  size: number;
}

const PORT = 7946;
const START_MS_MAX = 20_000;
const WHOLE_MS_MAX = 120_000;
/** Processes that start at the same time: more only wait for each other. */
const STARTS_AT_ONCE = 4;

export async function startGossipFleet(options: FleetOptions): Promise<GossipFleet> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir('kf-'));
  const space = stack.use(await openSpace());
  // One bundle for all: a member that is restarted runs what the others run, whatever happens to the sources.
  const program = join(folder.path, 'peer.js');
  if (options.make === 'ours') await bundlePeer(program);
  const fleet = new Fleet(options, { space: space.name, folder: folder.path, program });
  stack.use(fleet);
  await fleet.start();
  const owned = stack.move();
  fleet.onDispose = () => owned.disposeAsync();
  return fleet.face();
}

interface Place {
  space: string;
  folder: string;
  program: string;
}

class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #place: Place;
  readonly #members: (Member | undefined)[];
  readonly #watches = new Set<(observer: number, name: string, news: News) => void>();
  /** Killed and not seen alive again by everybody. */
  readonly #down = new Set<string>();
  #falseAlarms = 0;
  onDispose: () => Promise<void> = () => Promise.resolve();

  constructor(options: FleetOptions, place: Place) {
    this.#options = options;
    this.#place = place;
    this.#members = Array.from({ length: options.size }, () => undefined);
  }

  async start(): Promise<void> {
    const { size } = this.#options;
    await this.#begin(0, undefined);
    for (let from = 1; from < size; from += STARTS_AT_ONCE) {
      const indices = Array.from({ length: Math.min(STARTS_AT_ONCE, size - from) }, (_, i) => from + i);
      await Promise.all(indices.map((index) => this.#begin(index, 0)));
    }
    await this.whole();
  }

  face(): GossipFleet {
    return {
      make: this.#options.make,
      size: this.#options.size,
      pid: (index) => this.#member(index).child.pid,
      watch: (index, news) => this.#watch(index, news),
      kill: (index) => this.#kill(index),
      restart: (index) => this.#begin(index, index === 0 ? 1 : 0),
      whole: (timeoutMs) => this.whole(timeoutMs),
      prepareTag: (index) => this.#member(index).prepareTag(),
      traffic: () => readTraffic(this.#place.space),
      falseAlarms: () => this.#falseAlarms,
      [Symbol.asyncDispose]: () => this.onDispose(),
    };
  }

  async whole(timeoutMs = WHOLE_MS_MAX): Promise<void> {
    const { size, make } = this.#options;
    const isWhole = (): boolean => this.#members.every((member) => member?.alive.size === size);
    await waitUntil(`${size} members (${make}) to see each other`, isWhole, { timeoutMs });
    this.#down.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#members.filter((member) => member !== undefined);
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ child }) => child.exited));
  }

  async #begin(index: number, seed: number | undefined): Promise<void> {
    const { make } = this.#options;
    const options = { index, seed, place: this.#place };
    const member = make === 'ours' ? startOurs(options) : startSerf(options);
    this.#members[index] = member;
    void readNews(member, (name, news) => {
      if (news === 'failed' && !this.#down.has(name)) this.#falseAlarms++;
      for (const heard of this.#watches) heard(index, name, news);
    });
    await waitUntil(`${nameOf(index)} (${make}) to run`, () => member.alive.size > 0, {
      timeoutMs: START_MS_MAX,
    });
  }

  #kill(index: number): void {
    this.#down.add(nameOf(index));
    this.#member(index).child.kill('SIGKILL');
    this.#members[index] = undefined;
  }

  #watch(index: number, news: News): Watch {
    const atMs: number[] = [];
    const name = nameOf(index);
    const missing = new Set(this.#members.keys());
    missing.delete(index);
    const done = Promise.withResolvers<void>();
    const heard = (observer: number, about: string, what: News): void => {
      if (about !== name || what !== news || !missing.delete(observer)) return;
      atMs.push(performance.now());
      if (missing.size === 0) done.resolve();
    };
    this.#watches.add(heard);
    return {
      atMs,
      async all(timeoutMs) {
        const timer = setTimeout(() => {
          done.reject(
            new Error(`${missing.size} members did not say within ${timeoutMs} ms: ${name} ${news}`),
          );
        }, timeoutMs);
        await done.promise.finally(() => clearTimeout(timer));
      },
      [Symbol.dispose]: () => void this.#watches.delete(heard),
    };
  }

  #member(index: number): Member {
    return present(this.#members[index], `member ${index}`);
  }
}

interface Member {
  readonly child: Subprocess<'pipe' | 'ignore', 'pipe'>;
  /** Names that it holds for alive. */
  readonly alive: Set<string>;
  readonly parse: (line: string) => { name: string; news: News | 'gone' } | undefined;
  readonly prepareTag: () => Promise<TagChange>;
}

interface StartOptions {
  index: number;
  seed: number | undefined;
  place: Place;
}

function startSerf({ index, seed, place }: StartOptions): Member {
  const host = hostOf(index);
  const child = Bun.spawn(
    inside(place.space, [
      'serf',
      'agent',
      `-node=${nameOf(index)}`,
      `-bind=${host}:${PORT}`,
      `-rpc-addr=${host}:${SERF_RPC_PORT}`,
      ...(seed === undefined ? [] : [`-join=${hostOf(seed)}:${PORT}`]),
    ]),
    { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' },
  );
  return {
    child,
    alive: new Set(),
    parse: parseSerf,
    prepareTag: () => prepareSerfTag(place.space, host),
  };
}

const SERF_NEWS: Readonly<Record<string, News | 'gone'>> = {
  Join: 'join',
  Update: 'update',
  Failed: 'failed',
  Leave: 'gone',
  Reap: 'gone',
};

function parseSerf(line: string): { name: string; news: News | 'gone' } | undefined {
  const [, event = '', name = ''] = /serf: EventMember(\w+): (\S+)/.exec(line) ?? [];
  const news = SERF_NEWS[event];
  return news === undefined ? undefined : { name, news };
}

function startOurs({ index, seed, place }: StartOptions): Member {
  const settings = {
    names: [nameOf(index)],
    host: hostOf(index),
    port: PORT,
    memoryPath: join(place.folder, `${nameOf(index)}.json`),
  };
  const child = Bun.spawn(inside(place.space, [process.execPath, place.program, JSON.stringify(settings)]), {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const tell = (command: object): void => {
    void child.stdin.write(`${JSON.stringify(command)}\n`);
    void child.stdin.flush();
  };
  if (seed !== undefined) tell({ command: 'join', host: hostOf(seed), port: PORT });
  const change: TagChange = {
    run: (value) => tell({ command: 'tags', tags: { bench: value } }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return {
    child,
    alive: new Set([nameOf(index)]),
    parse: parseOurs,
    prepareTag: () => Promise.resolve(change),
  };
}

const happeningSchema = z.object({
  happening: z.object({ kind: z.literal('member'), news: z.string(), name: z.string() }),
});

function parseOurs(line: string): { name: string; news: News | 'gone' } | undefined {
  const { data } = happeningSchema.safeParse(JSON.parse(line));
  if (data === undefined) return undefined;
  const { name, news } = data.happening;
  return { name, news: news === 'join' || news === 'update' || news === 'failed' ? news : 'gone' };
}

async function readNews(
  { child, alive, parse }: Member,
  onNews: (name: string, news: News) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of child.stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = parse(line);
      if (said === undefined) continue;
      if (said.news === 'join') alive.add(said.name);
      if (said.news === 'failed' || said.news === 'gone') alive.delete(said.name);
      if (said.news !== 'gone') onNews(said.name, said.news);
    }
  }
}

async function bundlePeer(outfile: string): Promise<void> {
  const source = join(import.meta.dir, 'workloads/gossip-peer.ts');
  await must([process.execPath, 'build', source, '--target=bun', `--outfile=${outfile}`]);
}

function nameOf(index: number): string {
  return `member-${index}`;
}

function hostOf(index: number): string {
  return `127.0.1.${index + 1}`;
}
