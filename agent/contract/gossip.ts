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
  /** Members that were alive when it was asked. */
  members: z.int(),
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
  members(): GossipMember[];
  /** Fault(invalid) when it is too large. */
  fire(event: { name: string; payload: string; coalesce: boolean }): void;
  ask(query: GossipQuery, signal: AbortSignal): Promise<GossipAnswers>;
  /** Each step in turn; stops at the first that not all members did. */
  changeKeys(change: KeyChange, signal: AbortSignal): Promise<KeyStep[]>;
  /** Estimated round trip, milliseconds; null before it is known. Fault(not_found) for an unknown name. */
  roundTripMs(from: string, to: string): number | null;
  /** A failed member will not come back; `prune` forgets it at once. Fault for one that is alive or unknown. */
  forceLeave(name: string, prune: boolean): void;
}
