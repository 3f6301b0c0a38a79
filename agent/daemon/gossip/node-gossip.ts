import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capabilities } from '#agent/contract/capability';
import { writeNodeTags, type NodeTags } from '#agent/contract/node-tags';
import type { Role } from '#agent/contract/settings';
import type { Clock } from '#agent/kit/clock';
import { errorCode, Fault } from '#agent/kit/error';
import { urlHost, withoutBrackets } from '#agent/kit/ip-address';
import type { Log } from '#agent/kit/log';
import type { Rng } from '#agent/kit/rng';
import type { Address } from '#agent/gossip/core/address';
import { LAN, LOCAL, WAN, type GossipSettings } from '#agent/gossip/core/settings';
import { findByBroadcast } from '#agent/gossip/driver/broadcast';
import { openKeyring, writeKeyring } from '#agent/gossip/driver/keyring-file';
import type { GossipNode, Happening } from '#agent/gossip/driver/node';
import { startGossip } from '#agent/gossip/driver/start-gossip';
import type { Keyring } from '#agent/gossip/wire/seal';
import { systemHost } from '#agent/probes/host';
import { networkProbe } from '#agent/probes/network';
import type { LoadedSettings } from '#agent/daemon/settings';
import { advertisedHost } from './advertise';
import type { FleetGossip } from '#agent/contract/gossip';
import { fleetGossip } from './fleet-gossip';
import { followFleet, type FleetEvidence } from './evidence';
import { followJoins, type Joins } from './gossip-state';
import { answerQueries } from './product-queries';
import { GOSSIP_PORT, parseSeed, resolveSeeds } from './seeds';

/** The gossip of one role of this process. */
export interface NodeGossip extends AsyncDisposable {
  readonly node: GossipNode;
  readonly fleet: FleetEvidence;
  /** The same in the words of the API. */
  readonly api: FleetGossip;
  /** Says what changed of this node; nothing is sent when nothing did. */
  retag(tags: NodeTags): void;
  /** More members to find the fleet by, such as those that the control plane names. */
  join(seeds: readonly string[]): Promise<void>;
  /** Tells the others that this node goes of its own will; takes at most LEAVE_MS, and nothing when alone. */
  leave(): Promise<void>;
}

export interface NodeGossipOptions {
  readonly role: Role;
  /** Unique in the fleet. */
  readonly name: string;
  readonly tags: NodeTags;
  /** For the query of that name; undefined for a node that runs no jobs. */
  readonly capabilities?: () => Capabilities;
  readonly log: Log;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** By then the intent has been sent often enough; whoever misses the rest takes its silence for the leave it is. */
const LEAVE_MS = 1_000;
/** Ports tried where the setting leaves it open: several nodes of one machine are neighbours. */
const PORTS_TRIED = 32;
const BROADCAST_WAIT_MS = 1_000;
const PRESETS: Readonly<Record<'lan' | 'wan' | 'local', GossipSettings>> = {
  lan: LAN,
  wan: WAN,
  local: LOCAL,
};

/**
 * Joins the fleet by the members of `gossip_join`, or by broadcast, and by those that were there last time.
 * Undefined when gossip is switched off. Fault(settings) or Fault(environment) names what to set.
 */
export async function startNodeGossip(
  settings: LoadedSettings,
  options: NodeGossipOptions,
): Promise<NodeGossip | undefined> {
  const { values } = settings;
  if (!values.gossip) return undefined;
  const { log, clock, role } = options;
  const { directory, keyringPath, keyring } = await openFleetKeys(settings);
  const seeds = await resolveSeeds(values.gossip_join.map(parseSeed), log);
  await using stack = new AsyncDisposableStack();
  const node = await startNode(settings, options, { directory, keyringPath, keyring, seeds });
  stack.use(node);
  const fleet = stack.use(followFleet(node, () => clock.bootMs()));
  const joins = stack.use(followJoins(node));
  stack.use(node.listen(reporter(node.name, log)));
  stack.use(answerQueries(node, options));
  const { host, port } = node.address;
  log.info('gossip started', { role, name: node.name, address: `${urlHost(host)}:${port}` });
  const heard = values.gossip_broadcast ? await askAround(values.gossip_label, keyring, clock) : [];
  joinNew(node, [...seeds, ...heard]);
  const owned = stack.move();
  const label = values.gossip_label;
  return new Joined({ ...options, node, fleet, joins, label, owned });
}

/** Opens the keyring of this node, making it first if need be: Fault(settings) for an unusable one. */
export async function openFleetKeys({
  values,
}: LoadedSettings): Promise<Pick<Prepared, 'directory' | 'keyringPath' | 'keyring'>> {
  const directory = join(values.state_dir, 'gossip');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keyringPath = values.gossip_keyring ?? join(directory, 'keyring.json');
  return { directory, keyringPath, keyring: openKeyring(keyringPath) };
}

interface Prepared {
  directory: string;
  keyringPath: string;
  keyring: Keyring;
  seeds: readonly Address[];
}

async function startNode(
  { values, origins }: LoadedSettings,
  options: NodeGossipOptions,
  { directory, keyringPath, keyring, seeds }: Prepared,
): Promise<GossipNode> {
  const bindHost = values.gossip_host ?? (options.role === 'control' ? values.api_host : values.worker_host);
  const network = await networkProbe.probe(systemHost);
  const advertiseHost = await advertisedHost({
    explicit: values.gossip_advertise,
    bindHost,
    apiUrl: origins.api_url.from === 'default' ? undefined : values.api_url,
    seeds,
    interfaces: network.state === 'present' ? network.value.interfaces : [],
  });
  return await onFreePort(values.gossip_port, (port) =>
    startGossip({
      ...options,
      bind: { host: bindHost === '*' ? '0.0.0.0' : withoutBrackets(bindHost), port },
      advertiseHost,
      settings: PRESETS[values.gossip_network],
      tags: writeNodeTags(options.tags),
      keyring,
      label: values.gossip_label,
      memoryPath: join(directory, `${options.role}.json`),
      saveKeyring: (keys) => writeKeyring(keyringPath, keys),
    }),
  );
}

/** The port of the setting, or the first free one of a row where the setting leaves it open. */
async function onFreePort<T>(wanted: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  if (wanted !== undefined) return await start(wanted);
  for (let port = GOSSIP_PORT; ; port++) {
    try {
      return await start(port);
    } catch (error) {
      const isTaken = error instanceof Fault && errorCode(error.cause) === 'EADDRINUSE';
      if (!isTaken || port >= GOSSIP_PORT + PORTS_TRIED - 1) throw error;
    }
  }
}

async function askAround(label: string, keyring: Keyring, clock: Clock): Promise<Address[]> {
  const wire = { keyring, label: Buffer.from(label), random: (count: number) => randomBytes(count) };
  return await findByBroadcast({ port: GOSSIP_PORT, wire, clock, waitMs: BROADCAST_WAIT_MS });
}

/** Those of them that are not members yet; a node does not join itself. */
function joinNew(node: GossipNode, seeds: readonly Address[]): void {
  const isKnown = (seed: Address): boolean =>
    node.members().some(({ member: { address }, status }) => status === 'alive' && isSame(address, seed));
  const fresh = seeds.filter((seed) => !isKnown(seed));
  if (fresh.length > 0) node.join(fresh);
}

function isSame(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}

class Joined implements NodeGossip {
  readonly node: GossipNode;
  readonly fleet: FleetEvidence;
  readonly api: FleetGossip;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #owned: AsyncDisposableStack;
  #tags: string;

  constructor(parts: {
    node: GossipNode;
    fleet: FleetEvidence;
    joins: Joins;
    label: string;
    tags: NodeTags;
    log: Log;
    clock: Clock;
    rng: Rng;
    owned: AsyncDisposableStack;
  }) {
    this.node = parts.node;
    this.fleet = parts.fleet;
    this.api = fleetGossip(parts);
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#owned = parts.owned;
    this.#tags = JSON.stringify(parts.tags);
  }

  retag(tags: NodeTags): void {
    const text = JSON.stringify(tags);
    if (text === this.#tags) return;
    this.#tags = text;
    this.node.tell({ kind: 'set-tags', tags: writeNodeTags(tags) });
  }

  async join(seeds: readonly string[]): Promise<void> {
    joinNew(this.node, await resolveSeeds(seeds.map(parseSeed), this.#log));
  }

  async leave(): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.node.leave(), this.#clock.sleep(LEAVE_MS, over.signal)]);
    over.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** What people want to read in the log: who comes and goes, and what is wrong. */
function reporter(self: string, log: Log): (happening: Happening) => void {
  const absent = new Set<string>();
  return (happening) => {
    if (happening.kind !== 'join-result') return report(happening, self, log);
    const { seed, failure } = happening;
    const address = `${urlHost(seed.host)}:${seed.port}`;
    // It is tried again and again: its first failure is news, and so is the first one after an answer.
    if (failure === undefined) return void absent.delete(address);
    if (absent.has(address)) return;
    absent.add(address);
    log.warn('a member to join does not answer; it is tried again', { address, reason: failure });
  };
}

function report(happening: Happening, self: string, log: Log): void {
  switch (happening.kind) {
    case 'member':
      if ('news' in happening && happening.member.name !== self && happening.news !== 'update') {
        log.info(`gossip: ${happening.news}`, { member: happening.member.name });
      }
      break;
    case 'udp-path':
      if (happening.path === 'degraded') {
        log.warn('gossip reaches a member by TCP only', {
          member: happening.name,
          hint: 'let UDP through between these machines, both ways, at the port of gossip_port',
        });
      } else log.info('gossip reaches a member by UDP again', { member: happening.name });
      break;
    case 'stalled':
      log.warn('this process stood still: it accuses nobody until it has seen an answer', {
        for_s: Math.round(happening.lagMs / 100) / 10,
      });
      break;
    case 'conflict-verdict':
      log.warn('another machine uses the name of this node', {
        name: self,
        say_it_is_us: happening.ours,
        asked: happening.answers,
        hint: 'a copied container keeps its identity: remove state_dir/identity.json of the copy and restart it',
      });
      break;
    case 'keyring':
      log.info('the keyring was changed by the fleet', { keys: happening.keys.length });
      break;
    case 'conflict':
    case 'join-result':
    case 'event':
    case 'query':
    case 'query-ack':
    case 'query-response':
    case 'query-done':
  }
}
