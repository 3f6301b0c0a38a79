import type { AliveMessage, PushNodeState, VersionBytes } from '#agent/gossip/wire/messages';
import { ipText, type Address } from './address';

/** `failed` and `left` are the wire's dead: found dead by others, or said so itself. */
export type MemberStatus = 'alive' | 'suspect' | 'failed' | 'left';

/** What is known of a member. Never changed, only replaced, so that tables may share it. */
export interface Member {
  readonly name: string;
  readonly address: Address;
  /** The address as the wire carries it, normalized. */
  readonly addr: Uint8Array;
  /** Serf's tags, opaque here. */
  readonly meta: Uint8Array;
  readonly vsn: VersionBytes;
  /** Raised only by the member itself; news of a lower one is old news. */
  readonly incarnation: number;
  readonly status: MemberStatus;
  /** When it came to this status, on the monotonic clock of this node. */
  readonly changedMs: number;
}

/** [pMin, pMax, pCur, dMin, dMax, dCur]: memberlist protocol 1 to 5, Serf protocol 2 to 5. */
export const OUR_VERSION: VersionBytes = Uint8Array.of(1, 5, 2, 2, 5, 5);

/**
 * Peers must not store what comes after this: beyond it an incarnation could wrap past 2^32 and be young
 * again (memberlist issue 358).
 */
export const INCARNATION_MAX = 0xffff_0000;

/** Accusations end earlier than claims, so that a liar cannot take the last incarnation from its victim. */
export const ACCUSATION_MAX = INCARNATION_MAX - 0x1_0000;

/**
 * Where a life begins: above everything the last one used, and, if its record was lost, above it all the
 * same as long as the wall clock went forward and it refuted less than once a second.
 */
export function startingIncarnation(boot: { persistedIncarnation?: number; unixSeconds: number }): number {
  const persisted = boot.persistedIncarnation ?? 0;
  return Math.min(Math.max(persisted + 1, Math.floor(boot.unixSeconds), 1), INCARNATION_MAX);
}

export function memberOf(claim: AliveMessage, addr: Uint8Array, changedMs: number): Member {
  const { Node, Port, Meta, Vsn, Incarnation } = claim;
  const address = { host: ipText(addr), port: Port };
  return {
    name: Node,
    address,
    addr,
    meta: Meta,
    vsn: Vsn,
    incarnation: Incarnation,
    status: 'alive',
    changedMs,
  };
}

export function aliveMessage({ name, addr, address, meta, vsn, incarnation }: Member): AliveMessage {
  return {
    type: 'alive',
    Incarnation: incarnation,
    Node: name,
    Addr: addr,
    Port: address.port,
    Meta: meta,
    Vsn: vsn,
  };
}

const WIRE_STATE: Readonly<Record<MemberStatus, number>> = { alive: 0, suspect: 1, failed: 2, left: 3 };

export function pushNodeState({
  name,
  addr,
  address,
  meta,
  vsn,
  incarnation,
  status,
}: Member): PushNodeState {
  return {
    Name: name,
    Addr: addr,
    Port: address.port,
    Meta: meta,
    Incarnation: incarnation,
    State: WIRE_STATE[status],
    Vsn: vsn,
  };
}

export function isGone({ status }: Member): boolean {
  return status === 'failed' || status === 'left';
}
