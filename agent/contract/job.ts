import { z } from 'zod';
import { grantSchema, unitRangeSchema } from './lease';
import { operationErrorSchema, operationIdSchema, progressSchema, unitMetricsSchema } from './operation';

/**
 * The three processes of an attempt and the files between them.
 *
 *   agent ──unix socket, NDJSON──▶ shim (`__job`) ──Bun IPC──▶ workload (`__run`)
 *
 * The shim outlives the agent: it owns the workload's stdio, the log, the spool of results and the
 * lease deadline. All that must survive is in files under the runtime directory:
 *
 *   shims/<shim_id>/socket state.json
 *   attempts/<operation_id>.<epoch>/job.json units.ndjson log.ndjson result.json exit.json
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

export const shimStateSchema = z.object({
  shim_id: z.string(),
  version: z.string(),
  shim: processIdentitySchema,
  workload: processIdentitySchema.nullable(),
  attempt: z.object({ operation_id: operationIdSchema, epoch: z.int(), attempt_dir: z.string() }).nullable(),
});
export type ShimState = z.infer<typeof shimStateSchema>;

export const exitRecordSchema = z.object({
  outcome: z.enum(['completed', 'failed', 'crashed', 'timed_out', 'cancelled', 'released', 'lost']),
  error: operationErrorSchema.extend({ retryable: z.boolean() }).nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  units_spooled: z.int(),
  log_lines: z.int(),
  log_lines_dropped: z.int(),
  ended_at: z.string(),
});
export type ExitRecord = z.infer<typeof exitRecordSchema>;

/** `deadline_boot_ms` is the end of the lease on the host's boot clock (suspend counts). */
export const agentToShimSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), job: jobSpecSchema, deadline_boot_ms: z.number() }),
  z.object({ type: z.literal('lease'), epoch: z.int(), deadline_boot_ms: z.number() }),
  z.object({ type: z.literal('cancel'), outcome: z.enum(['cancelled', 'released']), reason: z.string() }),
  z.object({ type: z.literal('stop') }),
]);
export type AgentToShim = z.infer<typeof agentToShimSchema>;

/** Events say that a file grew or ended; the files are the truth. */
export const shimToAgentSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), state: shimStateSchema, progress: progressSchema.nullable() }),
  z.object({ type: z.literal('progress'), epoch: z.int(), progress: progressSchema }),
  z.object({ type: z.literal('spooled'), epoch: z.int() }),
  z.object({ type: z.literal('ended'), epoch: z.int(), exit: exitRecordSchema }),
  z.object({ type: z.literal('refused'), message: z.string() }),
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
]);
export type ShimToWorkload = z.infer<typeof shimToWorkloadSchema>;

export const workloadToShimSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('progress'), progress: progressSchema }),
  z.object({ type: z.literal('units'), units: z.array(spooledUnitSchema).max(1000) }),
  z.object({ type: z.literal('completed'), result: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('failed'), error: operationErrorSchema.extend({ retryable: z.boolean() }) }),
]);
export type WorkloadToShim = z.infer<typeof workloadToShimSchema>;
