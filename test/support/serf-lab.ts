import type { Subprocess } from 'bun';
import { join } from 'node:path';
import { z } from 'zod';
import { exec } from '#agent/kit/exec';
import { tempDir } from './temp-dir';
import { waitUntil } from './wait-until';

/**
 * A network of its own, with Debian's serf and nodes of ours as processes, each on its own address of
 * 127.0.0.0/8 in one network namespace, so that packets can be dropped between any two.
 */
export interface SerfLab extends AsyncDisposable {
  serf(options: MemberOptions): Promise<SerfAgent>;
  ours(options: MemberOptions & { names?: string[] }): Promise<OurNode>;
  /** Drops what goes from one address to another, all or UDP alone, until disposed. */
  drop(from: string, to: string, what: 'all' | 'udp'): Promise<AsyncDisposable>;
}

export interface MemberOptions {
  name: string;
  host: string;
  /** base64 */
  key?: string;
  tags?: Record<string, string>;
  port?: number;
}

export const GOSSIP_PORT = 7946;
const RPC_PORT = 7373;
const COMMAND_MS_MAX = 15_000;

/** Why the lab cannot be built here; undefined when it can. */
export async function serfLabMissing(): Promise<string | undefined> {
  if (Bun.which('serf') === null) return 'there is no serf: apt-get install serf';
  if (Bun.which('nft') === null || Bun.which('ip') === null)
    return 'there is no ip or nft: apt-get install iproute2 nftables';
  const name = `klp${process.pid}`;
  const { code, stderr } = await exec(['ip', 'netns', 'add', name], { timeoutMs: COMMAND_MS_MAX });
  if (code !== 0) return `no network namespace can be made: ${stderr.trim()}`;
  await exec(['ip', 'netns', 'del', name], { timeoutMs: COMMAND_MS_MAX });
  return undefined;
}

let labs = 0;

export async function serfLab(): Promise<SerfLab> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir('kg-'));
  const space = `kl${process.pid}x${labs++}`;
  await must(['ip', 'netns', 'add', space]);
  stack.defer(async () => void (await exec(['ip', 'netns', 'del', space], { timeoutMs: COMMAND_MS_MAX })));
  const inside = (...command: string[]): string[] => ['ip', 'netns', 'exec', space, ...command];
  await must(['ip', '-n', space, 'link', 'set', 'lo', 'up']);
  await must(inside('nft', 'add', 'table', 'inet', 'lab'));
  await must(inside('nft', 'add', 'chain', 'inet', 'lab', 'in', '{ type filter hook input priority 0 ; }'));
  const members = stack.use(new AsyncDisposableStack());
  const owned = stack.move();
  return {
    async serf(options) {
      return members.use(await startSerf(options, inside, folder.path));
    },
    async ours(options) {
      return members.use(await startOurs(options, inside, folder.path));
    },
    async drop(from, to, what) {
      const match = [
        'ip',
        'saddr',
        from,
        'ip',
        'daddr',
        to,
        ...(what === 'udp' ? ['meta', 'l4proto', 'udp'] : []),
      ];
      const { stdout } = await must(
        inside('nft', '--echo', '--handle', 'add', 'rule', 'inet', 'lab', 'in', ...match, 'drop'),
      );
      const handle = /handle (\d+)/.exec(stdout)?.[1] ?? '';
      return {
        [Symbol.asyncDispose]: async () => {
          await must(inside('nft', 'delete', 'rule', 'inet', 'lab', 'in', 'handle', handle));
        },
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const memberSchema = z.object({
  name: z.string(),
  status: z.string(),
  tags: z.record(z.string(), z.string()).nullable(),
  address: z.string().optional(),
  addr: z.string().optional(),
});
export interface SeenMember {
  name: string;
  status: string;
  tags: Record<string, string>;
  address: string;
}

/** What our nodes and serf's have in common for a test. */
interface Member extends AsyncDisposable {
  readonly name: string;
  readonly host: string;
  members(): Promise<SeenMember[]>;
  /** "alive", "left", …; "unknown" for whom it does not know. */
  statusOf(name: string): Promise<string>;
  signal(signal: NodeJS.Signals): void;
}

export interface SerfAgent extends Member {
  /** Runs `serf COMMAND` against this agent: exit code and both outputs as one text. */
  run(...command: string[]): Promise<{ code: number; text: string }>;
  /** Lines that its event handler wrote: events and queries. */
  heard(): Promise<string>;
  log(): Promise<string>;
}

export interface OurNode extends Member {
  command(command: Record<string, unknown>): Promise<unknown>;
  happenings(): Array<Record<string, unknown>>;
}

type Inside = (...command: string[]) => string[];

async function startSerf(options: MemberOptions, inside: Inside, folder: string): Promise<SerfAgent> {
  const { name, host, key, tags = {}, port = GOSSIP_PORT } = options;
  const rpc = `-rpc-addr=${host}:${RPC_PORT}`;
  const heard = join(folder, `${name}.heard`);
  const logPath = join(folder, `${name}.log`);
  await Bun.write(heard, '');
  const handler = `user=cat >> ${heard}; echo " $SERF_USER_EVENT" >> ${heard}`;
  const child = Bun.spawn(
    inside(
      'serf',
      'agent',
      `-node=${name}`,
      `-bind=${host}:${port}`,
      rpc,
      `-event-handler=${handler}`,
      '-event-handler=query:uptime=echo serf is up',
      ...Object.entries(tags).map(([tag, value]) => `-tag=${tag}=${value}`),
      ...(key === undefined ? [] : [`-encrypt=${key}`]),
    ),
    { stdout: Bun.file(logPath), stderr: 'ignore', stdin: 'ignore' },
  );
  const run = async (...command: string[]) => {
    const [verb = '', ...rest] = command;
    const { code, stdout, stderr } = await exec(inside('serf', verb, rpc, ...rest), {
      timeoutMs: COMMAND_MS_MAX,
    });
    return { code, text: `${stdout}${stderr}` };
  };
  const members = async (): Promise<SeenMember[]> => {
    const { text } = await run('members', '-format=json');
    const { members: seen } = z.object({ members: z.array(memberSchema) }).parse(JSON.parse(text));
    return seen.map(({ tags: found, addr = '', ...member }) => ({
      ...member,
      tags: found ?? {},
      address: addr,
    }));
  };
  await waitUntil(`${name} to answer`, async () => (await members()).length > 0, {
    timeoutMs: COMMAND_MS_MAX,
  });
  return {
    ...memberOf(child, { name, host, members }),
    run,
    heard: () => Bun.file(heard).text(),
    log: () => Bun.file(logPath).text(),
  };
}

async function startOurs(
  options: MemberOptions & { names?: string[] },
  inside: Inside,
  folder: string,
): Promise<OurNode> {
  const { name, host, key = null, tags = {}, names = [name], port = GOSSIP_PORT } = options;
  const program = join(import.meta.dir, 'workloads/gossip-peer.ts');
  const settings = { names, host, port, tags, key, memoryPath: join(folder, `${name}.json`) };
  const child = Bun.spawn(inside(process.execPath, program, JSON.stringify(settings)), {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = readLines(child.stdout);
  const command = async (given: Record<string, unknown>): Promise<unknown> => {
    const answered = lines.answers.length;
    await child.stdin.write(`${JSON.stringify(given)}\n`);
    await child.stdin.flush();
    await waitUntil(`an answer of ${name}`, () => lines.answers.length > answered, {
      timeoutMs: COMMAND_MS_MAX,
    });
    return lines.answers[answered];
  };
  await waitUntil(`${name} to be ready`, () => lines.ready(), { timeoutMs: COMMAND_MS_MAX });
  const members = async (): Promise<SeenMember[]> =>
    z
      .array(memberSchema)
      .parse(await command({ command: 'members' }))
      .map(({ tags: found, address = '', ...member }) => ({
        ...member,
        tags: found ?? {},
        address,
      }));
  return { ...memberOf(child, { name, host, members }), command, happenings: () => lines.happenings };
}

function memberOf(child: Subprocess, member: Pick<Member, 'name' | 'host' | 'members'>): Member {
  return {
    ...member,
    statusOf: async (name) =>
      (await member.members()).find((seen) => seen.name === name)?.status ?? 'unknown',
    // `ip netns exec` replaces itself by the program: the pid is that of the program.
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

const lineSchema = z.object({
  ready: z.unknown().optional(),
  answer: z.unknown().optional(),
  happening: z.record(z.string(), z.unknown()).optional(),
});

function readLines(stdout: ReadableStream<Uint8Array>) {
  const answers: unknown[] = [];
  const happenings: Array<Record<string, unknown>> = [];
  let isReady = false;
  const read = async (): Promise<void> => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const line = lineSchema.parse(JSON.parse(part));
        if (line.ready !== undefined) isReady = true;
        else if (line.happening !== undefined) happenings.push(line.happening);
        else answers.push(line.answer ?? null);
      }
    }
  };
  void read();
  return { answers, happenings, ready: () => isReady };
}

async function must(command: string[]) {
  const result = await exec(command, { timeoutMs: COMMAND_MS_MAX });
  if (result.code !== 0) throw new Error(`Cannot run ${command.join(' ')}: ${result.stderr}`);
  return result;
}
