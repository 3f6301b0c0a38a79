/** What goes wrong in a run: each fault strikes at once and schedules its own end. */
import type { Rng } from '#agent/kit/rng';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import { suspicionBounds } from '#agent/gossip/core/suspicion';
import type { Checkers } from './checkers';
import { createHost, PORT, type Host } from './host';
import { between, pick } from './random';
import { crash, give, moveHost, pause, resume, sendDatagram, startAgent } from './agents';
import { after, type World } from './world';

export interface FaultContext {
  readonly world: World;
  readonly rng: Rng;
  readonly checkers: Checkers;
  readonly maxPauseMs: number;
}

export type Fault = (context: FaultContext) => void;

/** For how long after its cause a suspicion may still end in "failed": the longest one, and slow probes. */
export function excuseMs({ settings, hosts }: World): number {
  const { maxMs } = suspicionBounds(settings, hosts.length);
  return maxMs + settings.probeIntervalMs * (settings.awarenessMax + 2);
}

const JOIN_SPREAD_MS = 3000;

export const HOST_FAULTS = {
  crashAndReturn: (context) => {
    stopAndReturn(context, { keepsDisk: true, moves: false });
  },
  crashAndLoseDisk: (context) => {
    stopAndReturn(context, { keepsDisk: false, moves: false });
  },
  crashAndMove: (context) => {
    stopAndReturn(context, { keepsDisk: true, moves: true });
  },
  crashForGood: ({ world, rng }) => {
    const victim = running(world, rng);
    if (victim !== undefined && !isSeed(victim)) crash(victim, world.events);
  },
  changeTags: ({ world, rng }) => {
    const host = running(world, rng);
    if (host === undefined || host.leaving) return;
    host.meta = Uint8Array.from({ length: 1 + rng.below(200) }, () => rng.below(256));
    give(world, host, { kind: 'set-meta', meta: host.meta });
  },
  leave: ({ world, rng, checkers }) => {
    const host = running(world, rng);
    if (host === undefined || isSeed(host)) return;
    // News of a leave that outruns the news of the join says nothing to those who know neither: SWIM has no
    // word for it. Serf's intents do, and wait for the member.
    if (world.nowMs - host.startedMs < JOIN_SPREAD_MS) return;
    // Whoever has heard of nobody can say farewell to nobody.
    if ((host.core?.count('alive') ?? 0) < 2) return;
    checkers.noteLeave(host.name);
    host.leaving = true;
    give(world, host, { kind: 'leave' });
    const { life } = host;
    after(world, 7000, () => {
      if (host.life === life) crash(host, world.events);
    });
  },
} satisfies Record<string, Fault>;

export const PAUSE_FAULTS = {
  pauseOne: (context) => {
    const host = running(context.world, context.rng);
    if (host !== undefined) pauseFor(context, host);
  },
  pauseSome: (context) => {
    for (const host of context.world.hosts) if (context.rng.next() < 0.3) pauseFor(context, host);
  },
} satisfies Record<string, Fault>;

export const NETWORK_FAULTS = {
  partition: (context) => {
    const { world, rng } = context;
    const groups = Array.from({ length: 2 * world.hosts.length + 8 }, () => rng.below(2));
    strike(
      context,
      () => {
        world.network.partition(groups);
      },
      () => {
        world.network.partition(undefined);
      },
    );
  },
  oneWay: (context) => {
    const { world, rng } = context;
    const victim = rng.below(world.hosts.length);
    const isDeaf = rng.next() < 0.5;
    const loss = pick(rng, [0.3, 0.7, 1]);
    const set = (value: number | undefined): void => {
      for (const { index } of world.hosts)
        if (isDeaf) world.network.setLoss(index, victim, value);
        else world.network.setLoss(victim, index, value);
    };
    strike(
      context,
      () => set(loss),
      () => set(undefined),
    );
  },
  deadLinks: (context) => {
    const { world, rng } = context;
    const pairs = world.hosts.map(
      () => [rng.below(world.hosts.length), rng.below(world.hosts.length)] as const,
    );
    const set = (value: number | undefined): void => {
      for (const [from, to] of pairs) world.network.setLoss(from, to, value);
    };
    strike(
      context,
      () => set(1),
      () => set(undefined),
    );
  },
  udpBlocked: (context) => {
    const { world, rng } = context;
    const victim = rng.below(world.hosts.length);
    strike(
      context,
      () => {
        world.network.blockUdp(victim, true);
      },
      () => {
        world.network.blockUdp(victim, false);
      },
    );
  },
  tcpTrouble: (context) => {
    const { world, rng } = context;
    const victim = rng.below(world.hosts.length);
    const fault = pick(rng, ['half-open', 'cut', 'refuse'] as const);
    strike(
      context,
      () => {
        world.network.setTcpFault(victim, fault);
      },
      () => {
        world.network.setTcpFault(victim, undefined);
      },
    );
  },
  heavyLoss: (context) => {
    const { conditions } = context.world.network;
    strike(
      context,
      () => {
        conditions.loss = between(context.rng, 0.1, 0.5);
      },
      () => {
        conditions.loss = conditions.usualLoss;
      },
    );
  },
} satisfies Record<string, Fault>;

export const NAME_FAULTS = {
  /** A copied template: the same name on another machine, for a while. */
  clone: ({ world, rng, checkers }) => {
    const original = running(world, rng);
    if (original === undefined) return;
    checkers.distrust(original.name);
    const clone = createHost({ index: world.hosts.length, name: original.name, clockRate: 1, isClone: true });
    clone.meta = new Uint8Array([0xff, 0x81]);
    world.hosts.push(clone);
    startAgent(world, clone, seedsFor(world, rng));
    after(world, between(rng, 2000, 12_000), () => {
      crash(clone, world.events);
    });
  },
  /** Somebody with the key tells lies about another member. */
  liar: (context) => {
    const { world, rng, checkers } = context;
    const liar = running(world, rng);
    const victim = running(world, rng);
    if (liar === undefined || victim?.core === undefined || liar === victim) return;
    checkers.distrust(victim.name);
    if (rng.next() < 0.5) checkers.noteLeave(victim.name);
    const lie = lieAbout(victim, rng, liar.name);
    if (lie.type === 'dead' && lie.From === victim.name) checkers.noteLeave(victim.name);
    for (const { ip } of world.hosts) sendDatagram(world, liar, { host: ip, port: PORT }, [lie]);
  },
} satisfies Record<string, Fault>;

function lieAbout(victim: Host, rng: Rng, liar: string): PacketMessage {
  const own = victim.core?.self();
  const Incarnation = pick(rng, [
    own?.incarnation ?? 0,
    (own?.incarnation ?? 0) + 1 + rng.below(1000),
    0xfffe_0000,
    0xffff_0000,
    0xffff_ffff,
  ]);
  const Node = victim.name;
  const type = pick(rng, ['suspect', 'dead', 'left', 'alive'] as const);
  if (type === 'suspect') return { type, Incarnation, Node, From: liar };
  if (type === 'alive') {
    const Meta = new Uint8Array([rng.below(256)]);
    const Vsn = new Uint8Array([1, 5, 2, 2, 5, 5]);
    // Below the range in which an honest member could still answer.
    const claimed = Math.min(Incarnation, 0xfffe_0000);
    return { type, Incarnation: claimed, Node, Addr: victim.addr, Port: PORT, Meta, Vsn };
  }
  return { type: 'dead', Incarnation, Node, From: type === 'left' ? Node : liar };
}

function stopAndReturn(
  { world, rng, checkers }: FaultContext,
  { keepsDisk, moves }: { keepsDisk: boolean; moves: boolean },
): void {
  const host = running(world, rng);
  if (host === undefined || (moves && isSeed(host))) return;
  crash(host, world.events);
  after(world, between(rng, 100, 10_000), () => {
    if (host.core !== undefined) return;
    if (moves) moveHost(world, host, host.life % 256);
    if (!keepsDisk) {
      host.persistedIncarnation = undefined;
      // With the disk its memory of incarnations is gone, and the clock may stand wrong.
      host.wallOffsetSeconds = pick(rng, [0, 5, -3600, 86_400]);
      checkers.distrust(host.name);
    }
    startAgent(world, host, seedsFor(world, rng));
    checkers.excuse(host, world.nowMs + excuseMs(world));
  });
}

function pauseFor({ world, rng, checkers, maxPauseMs }: FaultContext, host: Host): void {
  if (host.core === undefined || host.paused) return;
  pause(world, host);
  const { life } = host;
  const lengthMs = between(rng, 200, maxPauseMs);
  checkers.excuse(host, world.nowMs + lengthMs + excuseMs(world));
  after(world, lengthMs, () => {
    if (host.life === life) resume(world, host);
  });
}

/** A fault of the network excuses everybody for as long as suspicions may still run. */
function strike({ world, rng, checkers }: FaultContext, begin: () => void, end: () => void): void {
  const lengthMs = between(rng, 500, 12_000);
  begin();
  checkers.excuseAll(world.nowMs + lengthMs + excuseMs(world));
  after(world, lengthMs, end);
}

function running({ hosts }: World, rng: Rng): Host | undefined {
  const alive = hosts.filter(({ core, isClone }) => core !== undefined && !isClone);
  // Two stay, or there would be no group left to speak of.
  return alive.length > 2 ? alive[rng.below(alive.length)] : undefined;
}

/** The one that everybody's settings name: without it a node that lost its table would be alone for good. */
function isSeed({ index }: Host): boolean {
  return index === 0;
}

/** Some that run, as a settings file would name them. */
export function seedsFor({ hosts }: World, rng: Rng): { host: string; port: number }[] {
  const first = hosts[0];
  const other = hosts[rng.below(hosts.length)];
  return [first, other].flatMap((host) => (host === undefined ? [] : [{ host: host.ip, port: PORT }]));
}
