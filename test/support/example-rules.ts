import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Fleet } from './fleet';
import { freePort } from './free-port';
import { waitUntil } from './wait-until';

/** What the examples of the help pages run on. */
export interface World {
  fleet: Fleet;
  folder: string;
  /** Operations that completed. */
  backtest?: string;
  sweep?: string;
  submit: (command: string) => Promise<string>;
  succeed: (command: string) => Promise<string>;
}

/**
 * How an example differs that cannot simply be run. Everywhere an operation is
 * `op_sweep_20260131_235959_1a2b3c4d` or `op_backtesting_…`, an agent `lxc-101`, a series `SPX 1d`, a folder of a
 * fleet `/tmp/fleet`, a strategy file `my.yaml`: the test puts real ones in their place.
 */
export interface ExampleRule {
  matches: RegExp;
  /** Exit codes that are an answer; without it only 0. */
  exits?: readonly number[];
  /** It goes on for ever: once it said this it is ended by SIGINT. */
  until?: RegExp;
  environment?(world: World): Record<string, string> | Promise<Record<string, string>>;
  prepare?(world: World): Promise<{ sweep?: string }>;
  tidy?(world: World): Promise<void>;
}

const LONG_SWEEP = 'sweep sma_cross SPX 1d -g fast=2:200:1 -g slow=201:400:1 --detach';

const devFolder = ({ folder }: World): Record<string, string> => ({ KTRDR_DEV_DIR: join(folder, 'dev') });

async function downDev({ succeed, folder }: World): Promise<void> {
  await succeed(`dev down --dir ${join(folder, 'dev')} --json`);
}

/** The first agent, as if the one who types sat at its machine. */
async function firstAgent({ fleet }: World): Promise<Record<string, string>> {
  const { body } = await fleet.api('GET', '/api/v1/workers');
  const workers = z
    .array(z.object({ label: z.string().nullable(), endpoint_url: z.url() }))
    .parse(body['data']);
  const first = workers.find(({ label }) => label === 'agent-1');
  return {
    KTRDR_STATE_DIR: join(fleet.directory, 'agent-1/state'),
    WORKER_PORT: new URL(first?.endpoint_url ?? '').port,
  };
}

async function undrain({ succeed }: World): Promise<void> {
  await succeed('undrain agent-1 --json');
}

/** The first agent, dead and seen so. */
async function failedAgent(world: World): Promise<Record<string, never>> {
  const [first] = world.fleet.agents;
  await untilMembers(world, 'alive', world.fleet.agents.length + 1);
  await first?.kill();
  await untilMembers(world, 'failed', 1);
  return {};
}

async function startAgain({ fleet }: World): Promise<void> {
  fleet.agents[0]?.start();
  await fleet.untilWorkers(fleet.agents.length);
}

async function untilMembers({ succeed }: World, status: string, wanted: number): Promise<void> {
  await waitUntil(
    `gossip sees ${wanted} ${status}`,
    async () => {
      const members: unknown = JSON.parse(await succeed(`members --status ${status} --json`));
      return Array.isArray(members) && members.length === wanted;
    },
    { timeoutMs: 45_000, everyMs: 200 },
  );
}

async function knownRoundTrip({ fleet }: World): Promise<Record<string, never>> {
  await waitUntil('a round trip is known', async () => (await fleet.cli(['rtt', 'agent-1'])).code === 0, {
    timeoutMs: 45_000,
    everyMs: 200,
  });
  return {};
}

async function keyOfAll({ folder, succeed }: World): Promise<Record<string, never>> {
  const file = join(folder, 'new.key');
  await writeFile(file, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
  await succeed(`keys install --key-file ${file} --json`);
  return {};
}

/** A key that nobody seals with. */
async function keyOfNobody(world: World): Promise<Record<string, never>> {
  await world.succeed('keys rotate --json');
  return await keyOfAll(world);
}

/** An agent whose machine is gone since yesterday. */
async function lostAgent({ fleet }: World): Promise<void> {
  await fleet.sql(`
    insert into node (node_id, name, public_key, instance, endpoint_url, version, commit, slots, capabilities, heartbeat_at)
    select '${'0'.repeat(32)}', 'lxc-102', public_key, gen_random_uuid(), endpoint_url, version, commit, slots,
           capabilities, now() - interval '1 day'
    from node limit 1
    on conflict (node_id) do update set forgotten_at = null`);
}

/** Folders and ports of its own for a daemon. */
async function ownDaemon({ folder }: World): Promise<Record<string, string>> {
  const port = await freePort();
  return {
    KTRDR_STATE_DIR: join(folder, `daemon-${port}/state`),
    KTRDR_RUNTIME_DIR: join(folder, `daemon-${port}/run`),
    KTRDR_CACHE_DIR: join(folder, `daemon-${port}/cache`),
    API_PORT: String(port),
    WORKER_PORT: String(await freePort()),
  };
}

/** A control plane makes its own token, and listens where its API_PORT says. */
async function ownControl(world: World): Promise<Record<string, string>> {
  const environment = await ownDaemon(world);
  return {
    ...environment,
    KTRDR_API_URL: `http://127.0.0.1:${environment['API_PORT']}`,
    KTRDR_TOKEN_FILE: join(environment['KTRDR_STATE_DIR'] ?? '', 'token'),
  };
}

/** The first that matches counts. */
export const exampleRules: readonly ExampleRule[] = [
  { matches: /^ktrdr-agent run --role control/, environment: ownControl, until: /control plane ready/ },
  { matches: /^ktrdr-agent run/, environment: ownDaemon, until: /agent ready/ },
  { matches: /^ktrdr-agent status --watch/, until: /Fleet/, exits: [130] },
  // Agents that the examples stop are a reason to worry, and rightly so.
  { matches: /^ktrdr-agent status/, exits: [0, 1] },
  // What it finds on this machine is not the matter here.
  { matches: /^ktrdr-agent doctor/, exits: [0, 1, 2], environment: firstAgent },
  { matches: /^ktrdr-agent drain/, environment: firstAgent, tidy: undrain },
  { matches: /^ktrdr-agent undrain/, environment: firstAgent },
  { matches: /^ktrdr-agent leave/, prepare: failedAgent, tidy: startAgain },
  { matches: /^ktrdr-agent rtt/, prepare: knownRoundTrip },
  { matches: /^ktrdr-agent keys (install|use)/, prepare: keyOfAll },
  { matches: /^ktrdr-agent keys remove/, prepare: keyOfNobody },
  {
    matches: /^ktrdr-agent forget/,
    prepare: async (world) => {
      await lostAgent(world);
      return {};
    },
  },
  {
    matches: /^ktrdr-agent dev (down|status)/,
    environment: devFolder,
    prepare: async ({ succeed, folder }) => {
      await succeed(`dev up --dir ${join(folder, 'dev')} --agents 1 --json`);
      return {};
    },
  },
  {
    matches: /^ktrdr-agent dev up --watch/,
    environment: devFolder,
    until: /Watching/,
    exits: [0, 130],
    tidy: downDev,
  },
  {
    matches: /^ktrdr-agent dev up/,
    environment: devFolder,
    tidy: downDev,
  },
  {
    matches: /^ktrdr-agent cancel/,
    prepare: async ({ submit }) => ({ sweep: await submit(LONG_SWEEP) }),
  },
  {
    matches: /^ktrdr-agent retry/,
    prepare: async ({ submit, succeed }) => {
      const sweep = await submit(LONG_SWEEP);
      await succeed(`cancel --force ${sweep} --json`);
      return { sweep };
    },
    tidy: async ({ succeed }) => {
      const active = JSON.parse(await succeed('ops --active --json')) as Array<{ operation_id: string }>;
      for (const { operation_id } of active) await succeed(`cancel --force ${operation_id} --json`);
    },
  },
];
