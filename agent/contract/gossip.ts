import { z } from 'zod';
import { gossipEvidenceSchema } from './worker';

/** A member of the fleet as gossip sees it; also one that is none of ours, such as a plain serf agent. */
export const gossipMemberSchema = z.object({
  name: z.string(),
  status: gossipEvidenceSchema.shape.status,
  udp: gossipEvidenceSchema.shape.udp,
  /** Since the last change of it, milliseconds. */
  since_ms: z.number(),
  /** host:port of its gossip. */
  address: z.string(),
  tags: z.record(z.string(), z.string()),
});
export type GossipMember = z.infer<typeof gossipMemberSchema>;

/** Which members are meant: all of it must hold. */
export interface MemberFilter {
  /** Name of a tag, or of its field in NodeTags → expression that occurs in its value; case does not count. */
  tags: Readonly<Record<string, string>>;
  status?: GossipMember['status'] | undefined;
}

/** How the fleet stands by gossip, in figures. */
export const gossipCountsSchema = z.object({
  /** All that are known, also those that failed or left a while ago. */
  members: z.int(),
  /** Those that are there, doubted ones included. */
  alive: z.int(),
  failed: z.int(),
  udp_degraded: z.int(),
});
export type GossipCounts = z.infer<typeof gossipCountsSchema>;

/** How the gossip of one process stands: what tells a closed port from another keyring or label. */
export const gossipStateSchema = z.object({
  name: z.string(),
  /** host:port, as others are told it. */
  address: z.string(),
  /** Keys that it holds; 0 where nothing is encrypted. */
  keys: z.int(),
  /** Fingerprint of the key that seals; null where nothing is encrypted. */
  sealing: z.string().nullable(),
  label: z.string(),
  counts: gossipCountsSchema,
  /** Members it was told to join by settings or control plane, host:port, with what the last try said. */
  joins: z.array(z.object({ address: z.string(), failure: z.string().nullable() })),
  /** Lifeguard's score: 0 is healthy, 8 is slow. */
  score: z.int(),
  /** Refused packets and streams since the start, by reason. */
  refused: z.record(z.string(), z.int()),
  packets_sent: z.int(),
  packets_received: z.int(),
});
export type GossipState = z.infer<typeof gossipStateSchema>;

/** Something that happened, told to everybody who listens, such as a handler of serf. */
export const gossipEventSchema = z.strictObject({
  name: z.string().min(1).max(128),
  payload: z.string().max(512).default(''),
  /** Whether of several that arrive together the last one is enough. */
  coalesce: z.boolean().default(false),
});
export type GossipEvent = z.output<typeof gossipEventSchema>;

/** A question to everybody, or to those that the filters choose. */
export const gossipQuerySchema = z.strictObject({
  name: z.string().min(1).max(128),
  payload: z.string().max(1024).default(''),
  /** Only these nodes. */
  nodes: z.array(z.string().max(300)).max(64).default([]),
  /** Only nodes whose tag matches the expression; all of them must. */
  tags: z.record(z.string().max(128), z.string().max(256)).default({}),
  relay_factor: z.int().min(0).max(5).default(0),
  /** Default: as the size of the fleet wants it. */
  timeout_ms: z.int().min(100).max(60_000).optional(),
});
export type GossipQuery = z.output<typeof gossipQuerySchema>;

export const gossipAnswersSchema = z.object({
  acks: z.array(z.string()),
  responses: z.array(z.object({ from: z.string(), payload: z.string() })),
  /** Members that were alive when it was asked and that its filters choose. */
  members: z.int(),
  /** Those of them that did not acknowledge it. */
  missing: z.array(z.string()),
  took_ms: z.number(),
});
export type GossipAnswers = z.infer<typeof gossipAnswersSchema>;

/** What one step of a change of keys did; it holds only when all members did it. */
export const keyStepSchema = z.object({
  step: z.enum(['list', 'install', 'use', 'remove']),
  succeeded: z.int(),
  members: z.int(),
  /** By name of the node: why not, or that it did not answer. */
  failures: z.record(z.string(), z.string()),
  /** Fingerprint of a key (the first 8 hex digits of its SHA-256) → nodes that hold it. */
  held: z.record(z.string(), z.int()),
  /** Fingerprint of the sealing key → nodes that seal with it. */
  sealing: z.record(z.string(), z.int()),
});
export type KeyStep = z.infer<typeof keyStepSchema>;

export const keyChangeSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('list') }),
  /** `key`: base64 of 16, 24 or 32 bytes. */
  z.strictObject({ action: z.literal('install'), key: z.base64().max(64) }),
  z.strictObject({ action: z.literal('use'), key: z.base64().max(64) }),
  z.strictObject({ action: z.literal('remove'), key: z.base64().max(64) }),
  /** A new key, or the given one: install, use, remove the former, each verified on all members. */
  z.strictObject({ action: z.literal('rotate'), key: z.base64().max(64).optional() }),
]);
export type KeyChange = z.output<typeof keyChangeSchema>;

/** The gossip of this process, for those who know nothing of its protocol. */
export interface FleetGossip {
  /** host:port, as others are told it. */
  readonly address: string;
  /** This node's own name. */
  readonly name: string;
  /** By name; Fault(invalid) for an expression that is not understood. */
  members(filter?: MemberFilter): GossipMember[];
  state(): GossipState;
  /** Fault(invalid) when it is too large. */
  fire(event: GossipEvent): void;
  ask(query: GossipQuery, signal: AbortSignal): Promise<GossipAnswers>;
  /** Each step in turn; stops at the first that not all members did. */
  changeKeys(change: KeyChange, signal: AbortSignal): Promise<KeyStep[]>;
  /** Estimated round trip, milliseconds; null before it is known. Fault(not_found) for an unknown name. */
  roundTripMs(from: string, to: string): number | null;
  /** A failed member will not come back; `prune` forgets it at once. Fault for one that is alive or unknown. */
  forceLeave(name: string, prune: boolean): void;
}
