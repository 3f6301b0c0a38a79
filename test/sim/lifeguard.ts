/** What Lifeguard is for: members that stand still again and again, and others that must not suffer from it. */
import { LAN, type GossipSettings } from '#agent/gossip/core/settings';
import type { Effect } from '#agent/gossip/core/effects';
import { pause, resume, startAgent } from './agents';
import { createCheckers } from './checkers';
import { createHost, PORT, type Host } from './host';
import { createNetwork } from './network';
import { between, forkRng } from './random';
import { after, createWorld, runUntil, type World, type WorldOptions } from './world';

export interface PausedGroup extends WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  /** The first so many members stand still for pauseMs, then run for a moment, in turns. */
  readonly pausing: number;
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
  readonly awakeMsMax: number;
  readonly minutes: number;
  readonly loss: number;
  readonly settings: GossipSettings;
}

export interface FalseAlarms {
  /** "Failed" said of a member that runs and never stood still. */
  readonly ofHealthy: number;
  /** "Failed" said of any member that runs, standing still included. */
  readonly ofAll: number;
  readonly suspicions: number;
  readonly nodeHours: number;
}

/**
 * SWIM as it was before Lifeguard: no health score, a suspicion of fixed length, no nacks counted, nobody
 * muted after a standstill. `withoutBuddies` takes away the word to the suspect as well.
 */
export const LIFEGUARD_OFF: GossipSettings = {
  ...LAN,
  awarenessMax: 1,
  verifiers: 0,
  suspicionMaxMult: 1,
  stallMs: Infinity,
};

export function withoutBuddies(_host: Host, _input: unknown, effects: readonly Effect[]): readonly Effect[] {
  return effects.map((effect) => {
    if (effect.kind !== 'send' || effect.messages.length !== 2) return effect;
    const [first, second] = effect.messages;
    const isBuddyPair = first?.type === 'ping' && second?.type === 'suspect' && second.Node === first.Node;
    return isBuddyPair ? { ...effect, messages: [first] } : effect;
  });
}

export function countFalseAlarms(group: PausedGroup): FalseAlarms {
  const { seed, nodes, settings, minutes, loss } = group;
  const healthy = new Set<string>();
  const alarms = { ofHealthy: 0, ofAll: 0 };
  const checkers = createCheckers(
    settings,
    () => world.nowMs,
    () => [],
  );
  const conditions = {
    loss,
    usualLoss: loss,
    delayMsMin: 5,
    delayMsMax: 15,
    duplicates: 0,
    reorders: 0,
    reorderMsMax: 0,
  };
  const world: World = createWorld(
    {
      seed,
      settings,
      network: createNetwork(forkRng(seed, 2), conditions),
      observer: {
        onInput(_host, _input, effects) {
          for (const effect of effects) {
            if (effect.kind !== 'member' || effect.change !== 'failed') continue;
            alarms.ofAll++;
            if (healthy.has(effect.member.name)) alarms.ofHealthy++;
          }
          checkers.onInput(_host, _input, effects);
        },
        onSend: () => undefined,
      },
    },
    group,
  );
  populate(world, group, healthy);
  runUntil(world, minutes * 60_000);
  const { suspicions } = checkers.figures;
  return { ...alarms, suspicions, nodeHours: (nodes * minutes) / 60 };
}

/** The time in which a new group settles; nobody stands still before. */
const SETTLE_MS = 20_000;

function populate(world: World, group: PausedGroup, healthy: Set<string>): void {
  const rng = forkRng(group.seed, 3);
  for (let index = 0; index < group.nodes; index++) {
    const host = createHost({ index, name: `node-${index}`, clockRate: 1 });
    world.hosts.push(host);
    if (index >= group.pausing) healthy.add(host.name);
    startAgent(world, host, index === 0 ? [] : [{ host: world.hosts[0]?.ip ?? '', port: PORT }]);
  }
  for (const host of world.hosts.slice(0, group.pausing)) {
    const standStill = (): void => {
      pause(world, host);
      after(world, between(rng, group.pauseMsMin, group.pauseMsMax), () => {
        resume(world, host);
        after(world, between(rng, 0, group.awakeMsMax), standStill);
      });
    };
    after(world, SETTLE_MS + between(rng, 0, group.pauseMsMax), standStill);
  }
}

/** Eight of thirty members run for less than 50 ms at a time, between standstills of 6 to 12 s. */
export const STARVED: Omit<PausedGroup, 'settings'> = {
  seed: 1,
  nodes: 30,
  pausing: 8,
  pauseMsMin: 6000,
  pauseMsMax: 12_000,
  awakeMsMax: 50,
  minutes: 40,
  loss: 0.01,
};
