import type { Rng } from '#agent/kit/rng';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import type { Address } from './address';
import { createAwareness, type Awareness } from './awareness';
import { createBroadcastQueue, type BroadcastQueue } from './broadcast-queue';
import { zeroCounters, type Counters, type Effect } from './effects';
import type { Member } from './member';
import { createMembership, type Membership } from './membership';
import { STANDARD_PRECEDENCE, type Precedence } from './precedence';
import type { GossipSettings } from './settings';
import { createSuspicion, type Suspicion, type SuspicionBounds } from './suspicion';
import { createTimerHeap, type TimerHeap } from './timer-heap';

/** What rides on memberlist: Serf's messages and state, all opaque here. Pure functions of its own state. */
export interface UserLayer {
  /** What a push/pull carries besides members. */
  localState(join: boolean): Uint8Array;
  ackPayload(): Uint8Array;
  /** Payloads that fit into `spaceBytes`, each costing its length and `overheadBytes`. */
  broadcasts(spaceBytes: number, overheadBytes: number): readonly Uint8Array[];
}

const EMPTY = new Uint8Array(0);

export const NO_USER_LAYER: UserLayer = {
  localState: () => EMPTY,
  ackPayload: () => EMPTY,
  broadcasts: () => [],
};

/** The parts that judge. A parameter so that the simulator can plant a bug and see it caught. */
export interface CoreParts {
  readonly precedence: Precedence;
  readonly createAwareness: (max: number) => Awareness;
  readonly createBroadcastQueue: (lengthMax: number) => BroadcastQueue;
  readonly createSuspicion: (startMs: number, accuser: string, bounds: SuspicionBounds) => Suspicion;
}

export const STANDARD_PARTS: CoreParts = {
  precedence: STANDARD_PRECEDENCE,
  createAwareness,
  createBroadcastQueue,
  createSuspicion,
};

/** What the parts of one core share. */
export interface CoreContext {
  readonly selfName: string;
  readonly settings: GossipSettings;
  readonly rng: Rng;
  readonly parts: CoreParts;
  readonly user: UserLayer;
  readonly timers: TimerHeap;
  readonly members: Membership;
  readonly queue: BroadcastQueue;
  readonly awareness: Awareness;
  readonly counters: Counters;
  /** The time of the input that is being handled; never goes back. */
  nowMs: number;
  /** The time of the input before it. */
  lastInputMs: number;
  /** Packets that may still go out in answer to the input that is being handled. */
  repliesLeft: number;
  effects: Effect[];
  /** Set when a leave begins: from then on nothing about this node is refuted. */
  leaving: boolean;
}

export interface ContextOptions {
  readonly selfName: string;
  readonly settings: GossipSettings;
  readonly rng: Rng;
  readonly user: UserLayer;
  readonly parts: CoreParts;
}

export function createContext({ selfName, settings, rng, user, parts }: ContextOptions): CoreContext {
  return {
    selfName,
    settings,
    rng,
    parts,
    user,
    timers: createTimerHeap(),
    members: createMembership(rng),
    queue: parts.createBroadcastQueue(settings.limits.queueMax),
    awareness: parts.createAwareness(settings.awarenessMax),
    counters: zeroCounters(),
    nowMs: 0,
    lastInputMs: 0,
    repliesLeft: 0,
    effects: [],
    leaving: false,
  };
}

export function send(context: CoreContext, to: Address, messages: readonly PacketMessage[]): void {
  context.effects.push({ kind: 'send', to, messages });
}

/**
 * Sends in answer to a packet whose sender nobody has checked: a compound of 255 pings must not make this
 * node a cannon.
 */
export function reply(context: CoreContext, to: Address, messages: readonly PacketMessage[]): void {
  if (context.repliesLeft > 0) {
    context.repliesLeft--;
    send(context, to, messages);
  } else {
    context.counters.repliesOverBudget++;
  }
}

export function isOther(context: CoreContext, { name }: Member): boolean {
  return name !== context.selfName;
}
