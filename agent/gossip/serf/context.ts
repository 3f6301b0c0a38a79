import type { Rng } from '#agent/kit/rng';
import type { Address } from '#agent/gossip/core/address';
import { createBroadcastQueue, type BroadcastQueue } from '#agent/gossip/core/broadcast-queue';
import { retransmitLimit, type GossipSettings } from '#agent/gossip/core/settings';
import { createTimerHeap, type TimerHeap } from '#agent/gossip/core/timer-heap';
import { encodeSerf, type SerfMessage } from '#agent/gossip/wire/serf-messages';
import { createLamportClock, type LamportClock } from './lamport-clock';
import { createCoordinates, type Coordinates } from './coordinates';
import type { SerfEffect } from './effects';
import { createMemberTable, type MemberTable } from './serf-members';
import type { SerfSettings } from './settings';

/** Everything refused or unusual is counted; the driver logs at a bounded rate. */
export interface SerfCounters {
  malformed: number;
  /** Answers to queries that are over, or that are not ours. */
  strayAnswers: number;
  /** Messages that should be forwarded to somebody who is no member. */
  refusedRelays: number;
  oversize: number;
}

/** What the parts of one Serf layer share. */
export interface SerfContext {
  readonly selfName: string;
  readonly settings: SerfSettings;
  readonly gossip: GossipSettings;
  readonly rng: Rng;
  readonly clocks: {
    readonly member: LamportClock;
    readonly event: LamportClock;
    readonly query: LamportClock;
  };
  readonly members: MemberTable;
  readonly coordinates: Coordinates;
  readonly queue: BroadcastQueue;
  readonly timers: TimerHeap;
  readonly counters: SerfCounters;
  /** Where answers to our queries go. */
  readonly selfAddress: () => { readonly addr: Uint8Array; readonly address: Address };
  /** Members that are thought alive, this node counted: O(1), it is asked for every packet. */
  readonly groupSize: () => number;
  /** The keys of this node, the first one sealing; null where nothing is encrypted. */
  keys: readonly Uint8Array[] | null;
  tags: ReadonlyMap<string, string>;
  /** The time of the input that is being handled. */
  nowMs: number;
  effects: SerfEffect[];
  leaving: boolean;
}

/** Lamport times that a last life of this node has reached, so that its next words are news. */
export interface LamportTimes {
  readonly member: number;
  readonly event: number;
  readonly query: number;
}

export interface SerfOptions {
  readonly selfName: string;
  readonly settings: SerfSettings;
  readonly gossip: GossipSettings;
  readonly rng: Rng;
  readonly tags: ReadonlyMap<string, string>;
  readonly keys: readonly Uint8Array[] | null;
  readonly selfAddress: SerfContext['selfAddress'];
  readonly groupSize: SerfContext['groupSize'];
  readonly times?: LamportTimes;
}

export function createSerfContext(options: SerfOptions): SerfContext {
  const { settings, times } = options;
  const context: SerfContext = {
    ...options,
    clocks: {
      member: createLamportClock(times?.member),
      event: createLamportClock(times?.event),
      query: createLamportClock(times?.query),
    },
    members: createMemberTable({ nowMs: () => context.nowMs, intentMs: settings.recentIntentMs }),
    coordinates: createCoordinates(options.rng),
    queue: createBroadcastQueue(settings.queueMax),
    timers: createTimerHeap(),
    counters: { malformed: 0, strayAnswers: 0, refusedRelays: 0, oversize: 0 },
    nowMs: 0,
    effects: [],
    leaving: false,
  };
  return context;
}

/** Gossips a message until everybody should have heard it; a later one of the same name replaces it. */
export function broadcast(
  context: SerfContext,
  about: string,
  payload: Uint8Array,
  onDone: () => void = () => undefined,
): void {
  const message = { type: 'user', payload } as const;
  context.queue.add({ name: about, message, bytes: payload.length, onDone });
  context.effects.push({ kind: 'core', input: { kind: 'user-broadcast' } });
}

export function sendTo(context: SerfContext, to: Address, message: SerfMessage): void {
  context.effects.push({ kind: 'send', to, payload: encodeSerf(message) });
}

/** How often each member sends a broadcast. */
export function transmitLimit({ gossip, groupSize }: SerfContext): number {
  return retransmitLimit(gossip.retransmitMult, groupSize());
}
