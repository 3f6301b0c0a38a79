import { z } from 'zod';
import { attemptKeySchema, grantSchema, unitRangeSchema } from './lease';
import { operationErrorSchema, progressSchema, unitMetricsSchema } from './operation';

/**
 * The three processes of an attempt and the files between them.
 *
 *   agent ──unix socket, NDJSON──▶ shim (`__job`) ──Bun IPC──▶ workload (`__run`)
 *
 * The shim outlives the agent: it owns the workload's stdio, the log, the spool of results and the
 * lease deadline. All that must survive is in files under the runtime directory:
 *
 *   shims/<shim_id>/options.json socket state.json stderr
 *   attempts/<operation_id>.<epoch>/job.json units.ndjson log.<n>.ndjson result.json exit.json
 *
 * `exit.json` is written last, with fsync: an attempt with it is over, whoever is alive.
 */
export const jobSpecSchema = z.object({
  grant: grantSchema,
  attempt_dir: z.string(),
  /** The Arrow file of the grant's bars in the host cache; its data hash was verified. */
  bars_path: z.string().nullable(),
  lease_policy: z.enum(['pure', 'effects']),
});
export type JobSpec = z.infer<typeof jobSpecSchema>;

/** A process that cannot be confused with a later one of the same pid. */
export const processIdentitySchema = z.object({
  pid: z.int().min(1),
  start_ticks: z.number(),
  boot_id: z.string(),
});
export type RecordedProcess = z.infer<typeof processIdentitySchema>;

/** What an agent decides for a shim once, before it starts it. */
export const shimOptionsSchema = z.object({
  /** The command of a workload; the shim adds its own pid, with which the workload dies. */
  workload_command: z.array(z.string()).min(1),
  /** Without work and without an agent for so long, a shim ends. */
  idle_ms: z.number().positive(),
  /** With work, but without an agent for so long, it gives the work up. */
  orphan_ms: z.number().positive(),
  /** From a cancellation to SIGTERM, and again from SIGTERM to SIGKILL. */
  cancel_grace_ms: z.number().positive(),
  /** Within which a new workload must say that it is ready. */
  ready_ms: z.number().positive(),
});
export type ShimOptions = z.infer<typeof shimOptionsSchema>;

const buildSchema = z.object({ version: z.string(), commit: z.string(), target: z.string() });

export const shimStateSchema = z.object({
  shim_id: z.string(),
  build: buildSchema,
  shim: processIdentitySchema,
  workload: processIdentitySchema.nullable(),
  attempt: attemptKeySchema.extend({ attempt_dir: z.string() }).nullable(),
});
export type ShimState = z.infer<typeof shimStateSchema>;

export const exitRecordSchema = z.object({
  outcome: z.enum(['completed', 'failed', 'crashed', 'timed_out', 'cancelled', 'released', 'lost']),
  error: operationErrorSchema.extend({ retryable: z.boolean() }).nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  /** Of the canonical JSON in result.json; null when there is no result. */
  result_sha256: z.string().nullable(),
  /** The program that ran the job: not the agent's own after an upgrade. */
  build: buildSchema.nullable(),
  units_spooled: z.int(),
  log_lines: z.int(),
  log_lines_dropped: z.int(),
  ended_at: z.string(),
});
export type ExitRecord = z.infer<typeof exitRecordSchema>;

/** `deadline_boot_ms` is the end of the lease on the host's boot clock (suspend counts). */
export const agentToShimSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), job: jobSpecSchema, deadline_boot_ms: z.number() }),
  z.object({ type: z.literal('lease'), attempt: attemptKeySchema, deadline_boot_ms: z.number() }),
  z.object({
    type: z.literal('cancel'),
    attempt: attemptKeySchema,
    outcome: z.enum(['cancelled', 'released']),
    reason: z.string().max(1000),
  }),
  /** Ends the shim; work that still runs is released first. */
  z.object({ type: z.literal('stop') }),
]);
export type AgentToShim = z.infer<typeof agentToShimSchema>;

/** Events say that a file grew or ended; the files are the truth. */
export const shimToAgentSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), state: shimStateSchema, progress: progressSchema.nullable() }),
  z.object({ type: z.literal('progress'), attempt: attemptKeySchema, progress: progressSchema }),
  z.object({ type: z.literal('spooled'), attempt: attemptKeySchema }),
  z.object({ type: z.literal('ended'), attempt: attemptKeySchema }),
  z.object({ type: z.literal('refused'), attempt: attemptKeySchema, message: z.string() }),
]);
export type ShimToAgent = z.infer<typeof shimToAgentSchema>;

/** One line of `units.ndjson`. */
export const spooledUnitSchema = z.object({
  unit_index: z.int().min(0),
  parameters: z.record(z.string(), z.unknown()),
  metrics: unitMetricsSchema,
});
export type SpooledUnit = z.infer<typeof spooledUnitSchema>;

export const shimToWorkloadSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    kind: z.string(),
    parameters: z.record(z.string(), z.unknown()),
    units: unitRangeSchema.nullable(),
    bars_path: z.string().nullable(),
    bars: grantSchema.shape.bars,
  }),
  z.object({ type: z.literal('cancel') }),
  /** So many more units are on disk: a workload stops computing while too many are not. */
  z.object({ type: z.literal('spooled'), units: z.int().min(1) }),
]);
export type ShimToWorkload = z.infer<typeof shimToWorkloadSchema>;

export const UNITS_PER_MESSAGE_MAX = 1000;
export const RESULT_LENGTH_MAX = 48 * 2 ** 20;
export const workloadToShimSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('progress'), progress: progressSchema }),
  z.object({ type: z.literal('units'), units: z.array(spooledUnitSchema).max(UNITS_PER_MESSAGE_MAX) }),
  /** The result as canonical JSON, which the shim stores as it is, and the SHA-256 of that text. */
  z.object({
    type: z.literal('completed'),
    result_json: z.string().max(RESULT_LENGTH_MAX),
    result_sha256: z.string(),
  }),
  z.object({ type: z.literal('failed'), error: operationErrorSchema.extend({ retryable: z.boolean() }) }),
]);
export type WorkloadToShim = z.infer<typeof workloadToShimSchema>;

/** The last line of an attempt on stdout and on stderr: what a warm workload prints later belongs to the next. */
export const END_OF_OUTPUT = '\u0004ktrdr: end of attempt';
