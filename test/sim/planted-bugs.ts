/**
 * Deliberate bugs, each of which some checker must see: a checker that never barks may be dead. They are
 * planted from outside, as other parts for the core or as a twist between core and world.
 */
import { STANDARD_PARTS, type CoreParts } from '#agent/gossip/core/context';
import type { Effect } from '#agent/gossip/core/effects';
import { createBroadcastQueue, type Broadcast } from '#agent/gossip/core/broadcast-queue';
import { STANDARD_PRECEDENCE, type Precedence } from '#agent/gossip/core/precedence';
import { LAN, STANDARD_LIMITS, type GossipSettings } from '#agent/gossip/core/settings';
import { createSuspicion } from '#agent/gossip/core/suspicion';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import type { Rule } from './checkers';
import type { SeedOptions } from './run-seed';

export interface PlantedBug {
  readonly name: string;
  /** Any of these counts as caught; what is wrong often shows in more than one way. */
  readonly caughtBy: readonly Rule[];
  readonly options: Partial<SeedOptions>;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'an old "alive" revives the dead',
    caughtBy: ['zombie'],
    options: { parts: withPrecedence({ aliveWins: (claimed, held) => claimed >= held }) },
  },
  {
    name: 'older news wins',
    caughtBy: ['monotone-incarnation'],
    options: { parts: withPrecedence({ aliveWins: () => true, accusationWins: () => true }) },
  },
  {
    name: 'an accusation of an older incarnation counts',
    caughtBy: ['monotone-incarnation'],
    options: { parts: withPrecedence({ accusationWins: (claimed, held) => claimed + 1 >= held }) },
  },
  {
    name: 'a refutation does not raise the incarnation',
    caughtBy: ['monotone-restart', 'convergence'],
    options: { parts: withPrecedence({ refutation: (own, claimed) => Math.max(own, claimed) }) },
  },
  {
    name: 'a suspicion ends at once',
    caughtBy: ['hasty-verdict'],
    options: {
      parts: {
        ...STANDARD_PARTS,
        createSuspicion: (startMs, accuser, bounds) =>
          createSuspicion(startMs, accuser, {
            minMs: 1,
            maxMs: 2,
            confirmationsMax: bounds.confirmationsMax,
          }),
      },
    },
  },
  {
    name: 'a suspicion never ends',
    caughtBy: ['convergence'],
    options: {
      parts: {
        ...STANDARD_PARTS,
        createSuspicion: (startMs, accuser, bounds) => ({
          ...createSuspicion(startMs, accuser, bounds),
          dueMs: () => Infinity,
        }),
      },
    },
  },
  {
    name: 'newer broadcasts do not replace older ones',
    caughtBy: ['queue-bound'],
    options: { parts: { ...STANDARD_PARTS, createBroadcastQueue: queueWithoutNames } },
  },
  {
    name: 'packets are filled past their size',
    caughtBy: ['packet-size'],
    // Fewer have too little to say for one packet.
    options: {
      nodesMin: 24,
      nodesMax: 32,
      parts: {
        ...STANDARD_PARTS,
        createBroadcastQueue: (lengthMax) => {
          const queue = createBroadcastQueue(lengthMax);
          return { ...queue, take: (_space, overhead, limit) => queue.take(9000, overhead, limit) };
        },
      },
    },
  },
  {
    name: 'each packet is answered many times',
    caughtBy: ['amplification'],
    options: {
      distort: (_host, input, effects) =>
        input?.kind === 'packet' ? effects.flatMap((effect) => Array<Effect>(8).fill(effect)) : effects,
    },
  },
  {
    name: 'accusers raise the incarnation of the accused',
    caughtBy: ['invented-incarnation'],
    options: { distort: rewriting((message) => (message.type === 'suspect' ? raised(message) : message)) },
  },
  {
    name: 'failures are announced as departures',
    caughtBy: ['false-left'],
    options: {
      distort: rewriting((message) =>
        message.type === 'dead' ? { ...message, From: message.Node } : message,
      ),
    },
  },
  {
    name: 'new tags go out under the old incarnation',
    caughtBy: ['mismatched-meta', 'convergence'],
    options: {
      distort: rewriting((message) =>
        message.type === 'alive' && message.Meta.length > 2
          ? { ...message, Incarnation: message.Incarnation - 1 }
          : message,
      ),
    },
  },
  {
    name: 'incarnations start anew after a restart',
    caughtBy: ['monotone-restart'],
    options: { forgetIncarnation: true },
  },
  {
    name: 'nobody reconnects and nobody exchanges states',
    caughtBy: ['convergence'],
    options: {
      distort: (_host, input, effects) =>
        input?.kind === 'join' ? effects : effects.filter(({ kind }) => kind !== 'dialog'),
    },
  },
  {
    name: 'a node that stood still accuses as it wakes',
    caughtBy: ['hasty-accusation'],
    options: { settings: { ...LAN, stallMs: Infinity } },
  },
  {
    name: 'whoever misses one ack is dead',
    caughtBy: ['accuracy'],
    options: { settings: hasty(LAN), nodesMin: 20, nodesMax: 20 },
  },
];

function withPrecedence(precedence: Partial<Precedence>): CoreParts {
  return { ...STANDARD_PARTS, precedence: { ...STANDARD_PRECEDENCE, ...precedence } };
}

/** Each broadcast under a name of its own. */
function queueWithoutNames(lengthMax: number): ReturnType<typeof createBroadcastQueue> {
  const queue = createBroadcastQueue(lengthMax);
  let count = 0;
  return {
    ...queue,
    add: (broadcast: Broadcast) => {
      queue.add({ ...broadcast, name: `${broadcast.name} ${count++}` });
    },
  };
}

function rewriting(change: (message: PacketMessage) => PacketMessage): NonNullable<SeedOptions['distort']> {
  return (_host, _input, effects) =>
    effects.map((effect) =>
      effect.kind === 'send' ? { ...effect, messages: effect.messages.map(change) } : effect,
    );
}

function raised<T extends PacketMessage & { Incarnation: number }>(message: T): T {
  return { ...message, Incarnation: message.Incarnation + 1 };
}

/** No time for second chances: not the helpers', not the suspect's. */
function hasty(settings: GossipSettings): GossipSettings {
  return {
    ...settings,
    probeTimeoutMs: 900,
    indirectChecks: 0,
    suspicionMult: 0.001,
    suspicionMaxMult: 1,
    limits: STANDARD_LIMITS,
  };
}
