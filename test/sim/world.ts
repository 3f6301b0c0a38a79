/** The virtual machine room: one queue of events, hosts with a core each, and a network between them. */
import type { Rng } from '#agent/kit/rng';
import type { CoreParts } from '#agent/gossip/core/context';
import type { Effect, Input } from '#agent/gossip/core/effects';
import type { Member } from '#agent/gossip/core/member';
import type { GossipSettings } from '#agent/gossip/core/settings';
import { createTimerHeap, type TimerHeap } from '#agent/gossip/core/timer-heap';
import type { PacketMessage } from '#agent/gossip/wire/messages';
import type { Host } from './host';
import type { Network } from './network';
import { forkRng } from './random';

export interface World {
  readonly seed: number;
  readonly hosts: Host[];
  readonly network: Network;
  readonly events: TimerHeap;
  readonly settings: GossipSettings;
  readonly observer: Observer;
  readonly rng: Rng;
  readonly options: WorldOptions;
  readonly byIp: Map<string, Host>;
  nowMs: number;
  steps: number;
  packets: number;
  streams: number;
  /** Changes with every event that happens: two runs of a seed have the same one. */
  hash: number;
}

/** Sees everything that a core says, as it says it. */
export interface Observer {
  onInput(host: Host, input: Input | undefined, effects: readonly Effect[]): void;
  onSend(host: Host, messages: readonly PacketMessage[]): void;
}

export interface WorldOptions {
  readonly parts?: CoreParts;
  /** A planted bug between core and world: what the core said, twisted. */
  readonly distort?: (host: Host, input: Input | undefined, effects: readonly Effect[]) => readonly Effect[];
  /** What goes through a datagram and comes out: the codec, when a run is to include it. */
  readonly throughWire?: (messages: readonly PacketMessage[]) => readonly PacketMessage[];
  /** What every agent knows when it starts. */
  readonly known?: readonly Member[];
  /** A planted bug in what a start is told. */
  readonly forgetIncarnation?: boolean;
}

export function createWorld(
  base: Pick<World, 'seed' | 'network' | 'settings' | 'observer'>,
  options: WorldOptions = {},
): World {
  return {
    ...base,
    options,
    hosts: [],
    events: createTimerHeap(),
    rng: forkRng(base.seed, 1),
    byIp: new Map(),
    nowMs: 0,
    steps: 0,
    packets: 0,
    streams: 0,
    hash: base.seed >>> 0,
  };
}

export function after(world: World, delayMs: number, run: () => void): void {
  world.events.set(world.nowMs + delayMs, run);
}

export function runUntil(world: World, untilMs: number): void {
  for (;;) {
    const event = world.events.takeDue(untilMs);
    if (event === undefined) break;
    world.nowMs = event.atMs;
    world.steps++;
    event.run?.();
  }
  world.nowMs = untilMs;
}
