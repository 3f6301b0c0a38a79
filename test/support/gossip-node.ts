import { createGossipCore, type CoreOptions, type GossipCore } from '#agent/gossip/core/core';
import type { Effect, Input } from '#agent/gossip/core/effects';
import { OUR_VERSION } from '#agent/gossip/core/member';
import { LAN } from '#agent/gossip/core/settings';
import { seededRng } from '#agent/kit/rng';
import type { AliveMessage, PacketMessage, PushNodeState } from '#agent/gossip/wire/messages';

/** One gossip core on a clock of its own, with its effects in a list. */
export interface GossipNode {
  readonly core: GossipCore;
  nowMs: number;
  /** Everything said since the last call of taken(). */
  taken(): Effect[];
  give(input: Input): Effect[];
  /** A packet from the peer of this number. */
  hear(peer: number, ...messages: PacketMessage[]): Effect[];
  /** Lets time pass, each timer at its time. */
  pass(durationMs: number): Effect[];
  /** Lets time pass without a single timer, as for a stopped process. */
  freeze(durationMs: number): void;
}

export const SELF = 'node-0';

export function startNode(options: Partial<CoreOptions> = {}): GossipNode {
  const core = createGossipCore({
    name: SELF,
    addr: addrOf(0),
    port: 7946,
    meta: new Uint8Array([0xff, 0x80]),
    settings: LAN,
    rng: seededRng(1),
    boot: { unixSeconds: 1000 },
    ...options,
  });
  let effects = core.start(0);
  const keep = (more: Effect[]): Effect[] => {
    effects = [...effects, ...more];
    return more;
  };
  const node: GossipNode = {
    core,
    nowMs: 0,
    taken() {
      const all = effects;
      effects = [];
      return all;
    },
    give: (input) => keep(core.handle(node.nowMs, input)),
    hear: (peer, ...messages) => node.give({ kind: 'packet', from: addressOf(peer), messages }),
    pass(durationMs) {
      const untilMs = node.nowMs + durationMs;
      const said: Effect[] = [];
      while (core.nextTimerMs() <= untilMs) {
        node.nowMs = Math.max(node.nowMs, core.nextTimerMs());
        said.push(...node.give({ kind: 'tick' }));
      }
      node.nowMs = untilMs;
      return said;
    },
    freeze(durationMs) {
      node.nowMs += durationMs;
    },
  };
  return node;
}

/** A node that knows peers 1 to `peers`, all alive at incarnation 1, and has nothing left to say. */
export function startGroup(peers: number, options: Partial<CoreOptions> = {}): GossipNode {
  const node = startNode(options);
  for (let peer = 1; peer <= peers; peer++) node.hear(peer, alive(peer));
  node.taken();
  return node;
}

export function nameOf(peer: number): string {
  return `node-${peer}`;
}

export function addrOf(peer: number): Uint8Array {
  return new Uint8Array([10, 0, peer >> 8, peer & 0xff]);
}

export function addressOf(peer: number): { host: string; port: number } {
  return { host: addrOf(peer).join('.'), port: 7946 };
}

export function alive(peer: number, incarnation = 1, more: Partial<AliveMessage> = {}): AliveMessage {
  return {
    type: 'alive',
    Incarnation: incarnation,
    Node: nameOf(peer),
    Addr: addrOf(peer),
    Port: 7946,
    Meta: new Uint8Array(0),
    Vsn: OUR_VERSION,
    ...more,
  };
}

export function suspect(peer: number, incarnation: number, from: number): PacketMessage {
  return { type: 'suspect', Incarnation: incarnation, Node: nameOf(peer), From: nameOf(from) };
}

export function dead(peer: number, incarnation: number, from: number): PacketMessage {
  return { type: 'dead', Incarnation: incarnation, Node: nameOf(peer), From: nameOf(from) };
}

export function stateOf(peer: number, incarnation: number, state: number): PushNodeState {
  return {
    Name: nameOf(peer),
    Addr: addrOf(peer),
    Port: 7946,
    Meta: new Uint8Array(0),
    Incarnation: incarnation,
    State: state,
    Vsn: OUR_VERSION,
  };
}

type Of<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

export function effectsOf<Kind extends Effect['kind']>(effects: readonly Effect[], kind: Kind): Of<Kind>[] {
  return effects.filter((effect): effect is Of<Kind> => effect.kind === kind);
}

/** Messages of one type among all that was sent, each with its receiver. */
export function sentOf<Type extends PacketMessage['type']>(
  effects: readonly Effect[],
  type: Type,
): (Extract<PacketMessage, { type: Type }> & { to: string })[] {
  return effectsOf(effects, 'send').flatMap(({ to, messages }) =>
    messages
      .filter((message): message is Extract<PacketMessage, { type: Type }> => message.type === type)
      .map((message) => ({ ...message, to: to.host })),
  );
}

/** Changes of members, as `node-3 failed`. */
export function changesOf(effects: readonly Effect[]): string[] {
  return effectsOf(effects, 'member').map(({ change, member }) => `${member.name} ${change}`);
}
