import { z } from 'zod';
import {
  logLineSchema,
  operationErrorSchema,
  operationIdSchema,
  progressSchema,
  provenanceSchema,
  unitMetricsSchema,
} from './operation';

/** An attempt is named by its operation and epoch; everything it reports carries both. */
export const attemptKeySchema = z.object({ operation_id: operationIdSchema, epoch: z.int().min(1) });
export type AttemptKey = z.infer<typeof attemptKeySchema>;

/** A columnar input that the agent fetches into the host cache before the job starts. */
export const barsInputSchema = z.object({
  symbol: z.string(),
  timeframe: z.string(),
  data_hash: z.string().regex(/^[0-9a-f]{64}$/),
  bar_count: z.int(),
});
export type BarsInput = z.infer<typeof barsInputSchema>;

/** The unit range `[from, to)` of a batch, and which of its units already have results. */
export const unitRangeSchema = z.object({
  from: z.int().min(0),
  to: z.int().min(1),
  done: z.array(z.int()),
});
export type UnitRange = z.infer<typeof unitRangeSchema>;

export const grantSchema = attemptKeySchema.extend({
  kind: z.string(),
  parent_operation_id: z.string().nullable(),
  parameters: z.record(z.string(), z.unknown()),
  parameters_sha256: z.string(),
  bars: barsInputSchema.nullable(),
  units: unitRangeSchema.nullable(),
  timeout_ms: z.int().min(1),
  lease_ms: z.int().min(1),
});
export type Grant = z.infer<typeof grantSchema>;

/** A retry of a poll repeats its nonce and gets the same grants. `free_slots: 0` still hears of cancels. */
export const claimRequestSchema = z.object({
  instance: z.uuid(),
  nonce: z.uuid(),
  free_slots: z.int().min(0).max(1024),
  wait_ms: z.int().min(0).max(60_000),
});
export const claimReplySchema = z.object({ grants: z.array(grantSchema), cancel: z.array(attemptKeySchema) });
export type ClaimReply = z.infer<typeof claimReplySchema>;

export const progressReportSchema = z.object({ worker_id: z.string(), progress: progressSchema });

export const UNITS_PER_REPORT_MAX = 1000;
export const unitsReportSchema = z.object({
  worker_id: z.string(),
  units: z
    .array(
      z.object({
        unit_index: z.int().min(0),
        parameters: z.record(z.string(), z.unknown()),
        metrics: unitMetricsSchema,
      }),
    )
    .min(1)
    .max(UNITS_PER_REPORT_MAX),
});
export type UnitsReport = z.infer<typeof unitsReportSchema>;

export const LOG_LINES_PER_REPORT_MAX = 500;
export const logsReportSchema = z.object({
  worker_id: z.string(),
  lines: z
    .array(logLineSchema.omit({ epoch: true }))
    .min(1)
    .max(LOG_LINES_PER_REPORT_MAX),
});

export const resultReportSchema = z.object({
  worker_id: z.string(),
  outcome: z.enum(['completed', 'failed', 'crashed', 'timed_out', 'cancelled', 'released', 'lost']),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: operationErrorSchema.extend({ retryable: z.boolean() }).nullable(),
  provenance: provenanceSchema.nullable(),
});
export type ResultReport = z.infer<typeof resultReportSchema>;

/** `duplicate` answers the retry of a report that was accepted before: nothing was written twice. */
export const acceptedSchema = z.object({ accepted: z.boolean(), duplicate: z.boolean() });
