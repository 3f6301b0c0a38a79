/** What goes into the Serf layer and what comes out, as plain values. */
import type { Address } from '#agent/gossip/core/address';
import type { Effect as CoreEffect, Input as CoreInput } from '#agent/gossip/core/effects';
import type { MemberNews, SerfMember } from './serf-members';

export type SerfInput =
  | { readonly kind: 'tick' }
  /** What the core let out; what is not for Serf is ignored. */
  | { readonly kind: 'core'; readonly effect: CoreEffect }
  | {
      readonly kind: 'event';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly coalesce: boolean;
    }
  | { readonly kind: 'query'; readonly query: QueryRequest }
  | { readonly kind: 'respond'; readonly query: IncomingQuery; readonly payload: Uint8Array }
  | { readonly kind: 'cancel-query'; readonly id: number }
  | { readonly kind: 'leave' }
  | { readonly kind: 'force-leave'; readonly name: string; readonly prune: boolean }
  | { readonly kind: 'set-tags'; readonly tags: ReadonlyMap<string, string> };

export interface QueryRequest {
  /** Chosen by the caller, so that it knows the answers; below 2^32. */
  readonly id: number;
  readonly name: string;
  readonly payload: Uint8Array;
  /** Encoded filters; none for everybody. */
  readonly filters: readonly Uint8Array[];
  readonly wantsAcks: boolean;
  /** Copies of each answer that take a way through others. */
  readonly relayFactor: number;
  /** Undefined: as the size of the group wants it. */
  readonly timeoutMs: number | undefined;
}

/** A query of somebody, for a handler to answer once. */
export interface IncomingQuery {
  readonly lamportTime: number;
  readonly id: number;
  readonly name: string;
  readonly payload: Uint8Array;
  readonly from: string;
  readonly to: Address;
  readonly relayFactor: number;
  readonly deadlineMs: number;
}

export type SerfEffect =
  /** For the core to handle. */
  | { readonly kind: 'core'; readonly input: CoreInput }
  /** A user message straight to a node. */
  | { readonly kind: 'send'; readonly to: Address; readonly payload: Uint8Array }
  | { readonly kind: 'member'; readonly news: MemberNews; readonly member: SerfMember }
  | {
      readonly kind: 'event';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly lamportTime: number;
      readonly coalesce: boolean;
    }
  | { readonly kind: 'query'; readonly query: IncomingQuery }
  | { readonly kind: 'query-ack'; readonly id: number; readonly from: string }
  | {
      readonly kind: 'query-response';
      readonly id: number;
      readonly from: string;
      readonly payload: Uint8Array;
    }
  /** No more answers to this query of ours. */
  | { readonly kind: 'query-done'; readonly id: number }
  /** To be on disk and in use from now on; the first key seals. */
  | { readonly kind: 'keyring'; readonly keys: readonly Uint8Array[] }
  /** The group was asked who has our name: whether most of it means us. */
  | { readonly kind: 'conflict-verdict'; readonly ours: number; readonly answers: number };

/** Refusals of the caller's own wishes: too large, too many, unknown. */
export class SerfRefusal extends Error {
  override readonly name = 'SerfRefusal';
}
