import { z } from 'zod';
import { capabilitiesSchema, loadSchema } from './capability';
import { attemptKeySchema } from './lease';

/** Node id: the first 16 bytes of the SHA-256 of the node's public key, in hex. */
export const workerIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'a worker id is 32 hex digits');

export const VERDICTS = [
  'ready',
  'degraded',
  'draining',
  'stopped',
  /** Gossip hears it, its heartbeats do not arrive. */
  'cut-off',
  /** Two machines go by its name. */
  'quarantined',
  'lost',
] as const;
export const verdictSchema = z.object({
  state: z.enum(VERDICTS),
  /** The cause in words, for people. */
  cause: z.string(),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** What gossip says of a node: a second opinion that never takes work away. */
export const gossipEvidenceSchema = z.object({
  status: z.enum(['alive', 'suspect', 'leaving', 'left', 'failed']),
  /** `degraded`: it answers by TCP only, since UDP is blocked one way or both. */
  udp: z.enum(['ok', 'degraded']),
  /** Since the last change of it. */
  since_ms: z.number().nonnegative(),
  /** Where another machine goes by its name; null where none does. */
  namesake: z.string().max(300).nullable(),
});
export type GossipEvidence = z.infer<typeof gossipEvidenceSchema>;

export const registrationSchema = z.object({
  worker_id: workerIdSchema,
  name: z.string().min(1).max(120),
  /** `WORKER_ID`: a label people chose; never an identity. */
  label: z.string().max(120).nullable(),
  /** Raw Ed25519 public key, base64. */
  public_key: z.string().max(64),
  /** Ed25519 signature, base64, over the canonical JSON of this object without `signature`. */
  signature: z.string().max(128),
  instance: z.uuid(),
  endpoint_url: z.url().max(300),
  version: z.string().max(60),
  commit: z.string().max(60),
  slots: z.int().min(0).max(1024),
  capabilities: capabilitiesSchema,
  leases: z.array(attemptKeySchema).max(4096),
});
export type Registration = z.infer<typeof registrationSchema>;

export const registrationReplySchema = z.object({
  worker_id: z.string(),
  heartbeat_ms: z.int(),
  lease_ms: z.int(),
  /** Members of the gossip of the fleet, host:port, to find it by. */
  gossip: z.array(z.string().max(300)).max(16).optional(),
});

export const heartbeatSchema = z.object({
  instance: z.uuid(),
  slots: z.int().min(0).max(1024),
  free_slots: z.int().min(0).max(1024),
  capabilities: capabilitiesSchema,
  load: loadSchema,
  /** Every attempt this agent holds, running or finished and not yet delivered. */
  leases: z.array(attemptKeySchema).max(4096),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** The agent counts `lease_ms` from the moment it sent the heartbeat, on its boot clock. */
export const heartbeatReplySchema = z.object({
  heartbeat_ms: z.int(),
  lease_ms: z.int(),
  leases: z.array(attemptKeySchema.extend({ state: z.enum(['renewed', 'cancel', 'lost']) })),
});
export type HeartbeatReply = z.infer<typeof heartbeatReplySchema>;

export const workerSchema = z.object({
  worker_id: z.string(),
  name: z.string(),
  label: z.string().nullable(),
  worker_type: z.array(z.string()),
  endpoint_url: z.string(),
  status: z.enum(['available', 'busy', 'temporarily_unavailable']),
  verdict: verdictSchema,
  /** Null where the control plane takes no part in gossip, or gossip has not heard of the node. */
  gossip: gossipEvidenceSchema.nullable(),
  /** Whether it finishes what it has and takes nothing more, also while it is stopped or lost. */
  draining: z.object({ reason: z.string(), since: z.string(), by: z.string().nullable() }).nullable(),
  current_operation_id: z.string().nullable(),
  operations: z.array(attemptKeySchema),
  slots: z.int(),
  capabilities: z.object({
    gpu: z.boolean(),
    gpu_type: z.string().nullable(),
    gpu_count: z.int(),
    cores: z.number().nullable(),
    memory_gb: z.number().nullable(),
  }),
  facts: capabilitiesSchema,
  load: loadSchema.nullable(),
  version: z.string(),
  registered_at: z.string(),
  last_healthy_at: z.string(),
});
export type Worker = z.infer<typeof workerSchema>;

/** Why one agent cannot take a piece of work, and the command or setting that changes it. */
export const refusalSchema = z.object({
  worker_id: z.string(),
  worker_name: z.string(),
  reason: z.string(),
  fix: z.string(),
  /** Whether waiting is enough: the agent is only busy. */
  temporary: z.boolean(),
});
export type Refusal = z.infer<typeof refusalSchema>;
