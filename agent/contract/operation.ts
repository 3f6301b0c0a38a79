import { z } from 'zod';

export const OPERATION_STATUSES = [
  'pending',
  'resuming',
  'running',
  'completed',
  'failed',
  'cancelled',
] as const;
export const operationStatusSchema = z.enum(OPERATION_STATUSES);
export type OperationStatus = z.infer<typeof operationStatusSchema>;

export function isTerminal(status: OperationStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

export const operationIdSchema = z
  .string()
  .max(80)
  .regex(
    /^op_[a-z_]+_\d{8}_\d{6}_[0-9a-f]{8,16}$/,
    'an operation id looks like op_backtesting_20260131_235959_1a2b3c4d',
  );

/** Progress as KTRDR names it. `eta_seconds` is null until a rate is known. */
export const progressSchema = z.object({
  percentage: z.number().min(0).max(100),
  current_step: z.string().max(200).nullable().default(null),
  steps_completed: z.int().min(0).default(0),
  steps_total: z.int().min(0).default(0),
  items_processed: z.int().min(0).default(0),
  items_total: z.int().min(0).nullable().default(null),
  current_item: z.string().max(200).nullable().default(null),
  eta_seconds: z.number().min(0).nullable().default(null),
});
export type Progress = z.infer<typeof progressSchema>;

export const operationErrorSchema = z.object({
  code: z.string().max(64),
  message: z.string().max(4000),
  hint: z.string().max(1000).optional(),
});
export type OperationError = z.infer<typeof operationErrorSchema>;

/** How an attempt ended. `released`, `expired`, `unacknowledged` and `lost` are infrastructure losses. */
export const ATTEMPT_OUTCOMES = [
  'completed',
  'failed',
  'crashed',
  'timed_out',
  'cancelled',
  'released',
  'expired',
  'unacknowledged',
  'lost',
] as const;
export const attemptOutcomeSchema = z.enum(ATTEMPT_OUTCOMES);
export type AttemptOutcome = z.infer<typeof attemptOutcomeSchema>;

export const attemptSchema = z.object({
  epoch: z.int(),
  worker_id: z.string(),
  worker_name: z.string(),
  granted_at: z.string(),
  ended_at: z.string().nullable(),
  outcome: attemptOutcomeSchema.nullable(),
  error: operationErrorSchema.nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** What a result was computed from and by: enough to run it again and compare bits. */
export const provenanceSchema = z.object({
  version: z.string(),
  commit: z.string(),
  target: z.string(),
  binary_sha256: z.string(),
  parameters_sha256: z.string(),
  data_hash: z.string().nullable(),
  result_sha256: z.string().nullable(),
  worker_id: z.string(),
  worker_name: z.string(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

export const operationSchema = z.object({
  operation_id: z.string(),
  operation_type: z.string(),
  status: operationStatusSchema,
  priority: z.int(),
  progress: progressSchema,
  metadata: z.record(z.string(), z.unknown()),
  created_at: z.string(),
  started_at: z.string().nullable(),
  completed_at: z.string().nullable(),
  cancel_requested_at: z.string().nullable(),
  error_message: z.string().nullable(),
  error: operationErrorSchema.nullable(),
  warnings: z.array(z.string()),
  result_summary: z.record(z.string(), z.unknown()).nullable(),
  parent_operation_id: z.string().nullable(),
  worker_id: z.string().nullable(),
  worker_name: z.string().nullable(),
  epoch: z.int(),
  attempts_failed: z.int(),
  attempts_lost: z.int(),
  provenance: provenanceSchema.nullable(),
  /** Why a pending operation is not running yet, in words. */
  waiting_reason: z.string().nullable(),
});
export type Operation = z.infer<typeof operationSchema>;

/** One unit of a sweep: its parameters and every metric, null where a metric is undefined. */
export const unitMetricsSchema = z.record(z.string().max(64), z.number().nullable());
export const unitResultSchema = z.object({
  unit_index: z.int().min(0),
  parameters: z.record(z.string(), z.unknown()),
  metrics: unitMetricsSchema,
});
export type UnitResult = z.infer<typeof unitResultSchema>;

export const logLineSchema = z.object({
  epoch: z.int(),
  seq: z.int().min(0),
  at: z.string(),
  stream: z.enum(['stdout', 'stderr', 'system']),
  line: z.string().max(8192),
});
export type LogLine = z.infer<typeof logLineSchema>;
