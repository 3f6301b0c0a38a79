/** How fast a change of tags reaches everybody, in groups that are too large to be joined one by one. */
import { LAN, type GossipSettings } from '#agent/gossip/core/settings';
import { OUR_VERSION, type Member } from '#agent/gossip/core/member';
import { give, startAgent, WALL_START_SECONDS } from './agents';
import { createHost, PORT } from './host';
import { createNetwork } from './network';
import { between, forkRng } from './random';
import { createWorld, runUntil, type World } from './world';

export interface SpreadOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly loss: number;
  /** Changes of tags, one after the other, each by another member. */
  readonly changes: number;
  /**
   * Whether members are probed. At 30 % loss their suspicions fill the packets, and a change takes its turn
   * among them; Serf's formula knows of gossip alone.
   */
  readonly probes?: boolean;
}

/** Milliseconds until that share of the others knew, worst change first of all. */
export interface Spread {
  readonly medianMs: number;
  readonly p9999Ms: number;
  readonly worstMs: number;
  /** Changes that somebody had not heard of when the time was up. */
  readonly incomplete: number;
}

const CHANGE_EVERY_MS = 10_000;
const NEVER_MS = 1e9;
const GOSSIP_ALONE: GossipSettings = { ...LAN, probeIntervalMs: NEVER_MS, pushPullIntervalMs: NEVER_MS };

/**
 * Time in which Serf's convergence simulator has a share informed: it says that after x rounds of
 * gossipInterval 1 / (1 + (N + 1) e^(−fanout (1 − loss) x / 2)) know.
 */
export function serfFormulaMs(nodes: number, loss: number, share = 0.9999): number {
  const rounds = Math.log((nodes + 1) * (share / (1 - share))) / (0.5 * LAN.gossipNodes * (1 - loss));
  return rounds * LAN.gossipIntervalMs;
}

export function measureSpread({ seed, nodes, loss, changes, probes = true }: SpreadOptions): Spread {
  const heardMs: number[] = [];
  const informed = new Set<number>();
  let watched = { name: '', change: -1, startMs: 0 };
  const world = populate({ seed, nodes, loss, probes }, (observer, { name, meta }) => {
    // By its tags: a refutation carries them too, at a later incarnation.
    if (name !== watched.name || meta.length !== 1 || meta[0] !== watched.change) return;
    if (informed.has(observer)) return;
    informed.add(observer);
    heardMs.push(world.nowMs - watched.startMs);
  });
  const rng = forkRng(seed, 4);
  const shares: { medianMs: number; p9999Ms: number; worstMs: number }[] = [];
  let incomplete = 0;
  for (let change = 0; change < changes; change++) {
    runUntil(world, world.nowMs + CHANGE_EVERY_MS + between(rng, 0, 1000));
    const host = world.hosts[rng.below(nodes)];
    if (host === undefined) continue;
    heardMs.length = 0;
    informed.clear();
    watched = { name: host.name, change, startMs: world.nowMs };
    give(world, host, { kind: 'set-meta', meta: new Uint8Array([change]) });
    runUntil(world, world.nowMs + CHANGE_EVERY_MS);
    heardMs.sort((a, b) => a - b);
    // The member itself is the first to know.
    const at = (share: number): number => heardMs[Math.ceil(share * (nodes - 1))] ?? Infinity;
    if (heardMs.length < nodes) incomplete++;
    shares.push({ medianMs: at(0.5), p9999Ms: at(0.9999), worstMs: heardMs.at(-1) ?? Infinity });
  }
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
  return {
    medianMs: median(shares.map(({ medianMs }) => medianMs)),
    p9999Ms: median(shares.map(({ p9999Ms }) => p9999Ms)),
    worstMs: Math.max(...shares.map(({ worstMs }) => worstMs)),
    incomplete,
  };
}

function populate(
  { seed, nodes, loss, probes }: Omit<Required<SpreadOptions>, 'changes'>,
  onHeard: (observer: number, member: Member) => void,
): World {
  const hosts = Array.from({ length: nodes }, (_, index) =>
    createHost({ index, name: `node-${index}`, clockRate: 1 }),
  );
  const known = hosts.map(({ name, addr, ip, meta }): Member => ({
    name,
    addr,
    address: { host: ip, port: PORT },
    meta,
    vsn: OUR_VERSION,
    incarnation: WALL_START_SECONDS,
    status: 'alive',
    changedMs: 0,
  }));
  const conditions = { loss, usualLoss: loss, delayMsMin: 0.2, delayMsMax: 1 };
  const network = createNetwork(forkRng(seed, 2), {
    ...conditions,
    duplicates: 0,
    reorders: 0,
    reorderMsMax: 0,
  });
  const world = createWorld(
    {
      seed,
      settings: probes ? LAN : GOSSIP_ALONE,
      network,
      observer: {
        onInput({ index }, _input, effects) {
          for (const effect of effects) if (effect.kind === 'member') onHeard(index, effect.member);
        },
        onSend: () => undefined,
      },
    },
    { known },
  );
  world.hosts.push(...hosts);
  for (const host of hosts) startAgent(world, host, []);
  return world;
}
