import { z } from 'zod';
import { doctorReportSchema } from './doctor';
import { endpoint } from './endpoint';
import { fleetStatusSchema } from './fleet';
import {
  acceptedSchema,
  claimReplySchema,
  claimRequestSchema,
  logsReportSchema,
  progressReportSchema,
  resultReportSchema,
  unitsReportSchema,
} from './lease';
import {
  attemptSchema,
  logLineSchema,
  operationIdSchema,
  operationSchema,
  operationStatusSchema,
  unitResultSchema,
} from './operation';
import { listOf, single } from './problem';
import {
  heartbeatReplySchema,
  heartbeatSchema,
  refusalSchema,
  registrationReplySchema,
  registrationSchema,
  workerIdSchema,
  workerSchema,
} from './worker';
import { dataEndpoints } from './data-endpoints';
import { drainEndpoints } from './drain-endpoints';
import { exportEndpoints, exportFormatSchema } from './export-endpoints';
import { gossipEndpoints } from './gossip-endpoints';
import { indicatorEndpoints } from './indicator-endpoints';
import { strategyEndpoints } from './strategy-endpoints';

const none = z.object({});
const byOperation = z.object({ operation_id: operationIdSchema });
const byWorker = z.object({ worker_id: workerIdSchema });
const byAttempt = byOperation.extend({ epoch: z.coerce.number().int().min(1) });
const page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).max(10_000_000).default(0),
});
/** The kind's own schema judges the parameters: here only that they are an object. */
const submission = z.record(z.string(), z.unknown());
const submitQuery = z.object({
  /** The same key gives the same operation: a retry never starts the work twice. */
  idempotency_key: z.string().min(1).max(200).optional(),
  /** Queue even when no known worker could run it now. */
  wait: z.stringbool().default(false),
  priority: z.coerce.number().int().min(0).max(20).optional(),
});

const fleet = {
  getStatus: endpoint({
    method: 'get',
    path: '/status',
    tag: 'fleet',
    summary: 'The whole fleet on one screen, with the reason beside each state',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: single(fleetStatusSchema),
  }),
  getDoctor: endpoint({
    method: 'get',
    path: '/doctor',
    tag: 'fleet',
    summary:
      'What is wrong with the control plane, its database, its schema and its agents, with the fix of each',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: single(doctorReportSchema),
  }),
  streamEvents: endpoint({
    method: 'get',
    path: '/events',
    tag: 'fleet',
    summary: 'Server-sent events: `worker` and `operation`, each with the present state of what changed',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: z.unknown(),
    media: 'sse',
  }),
};

const workers = {
  registerWorker: endpoint({
    method: 'post',
    path: '/workers/register',
    tag: 'workers',
    summary: 'An agent announces itself, its capabilities and the attempts it still holds',
    permission: 'agent',
    params: none,
    query: none,
    body: registrationSchema,
    reply: single(registrationReplySchema),
  }),
  heartbeat: endpoint({
    method: 'post',
    path: '/workers/{worker_id}/heartbeat',
    tag: 'workers',
    summary: 'Renews the leases an agent holds and carries its capabilities and load',
    permission: 'agent',
    params: byWorker,
    query: none,
    body: heartbeatSchema,
    reply: single(heartbeatReplySchema),
  }),
  claimWork: endpoint({
    method: 'post',
    path: '/workers/{worker_id}/claim',
    tag: 'workers',
    summary: 'Long poll for work; also hears of cancellations at once',
    permission: 'agent',
    params: byWorker,
    query: none,
    body: claimRequestSchema,
    reply: single(claimReplySchema),
  }),
  stopWorker: endpoint({
    method: 'post',
    path: '/workers/{worker_id}/stop',
    tag: 'workers',
    summary: 'A graceful goodbye, so that the agent shows as stopped and not as lost',
    permission: 'agent',
    params: byWorker,
    query: none,
    body: z.object({ instance: z.uuid() }),
    reply: single(z.object({ worker_id: z.string() })),
  }),
  listWorkers: endpoint({
    method: 'get',
    path: '/workers',
    tag: 'workers',
    summary: 'Every registered agent',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: listOf(workerSchema),
  }),
  getWorker: endpoint({
    method: 'get',
    path: '/workers/{worker_id}',
    tag: 'workers',
    summary: 'One agent',
    permission: 'read',
    params: byWorker,
    query: none,
    body: z.undefined(),
    reply: single(workerSchema),
  }),
  forgetWorker: endpoint({
    method: 'delete',
    path: '/workers/{worker_id}',
    tag: 'workers',
    summary:
      'Forgets an agent that is gone for good; 409 while it is there or holds work. Its attempts keep its name',
    permission: 'run',
    params: byWorker,
    query: none,
    body: z.undefined(),
    reply: single(z.object({ worker_id: z.string(), name: z.string() })),
  }),
};

const attempts = {
  reportProgress: endpoint({
    method: 'post',
    path: '/operations/{operation_id}/attempts/{epoch}/progress',
    tag: 'attempts',
    summary: 'Progress of an attempt; 409 when its epoch is old',
    permission: 'agent',
    params: byAttempt,
    query: none,
    body: progressReportSchema,
    reply: single(acceptedSchema),
  }),
  reportUnits: endpoint({
    method: 'post',
    path: '/operations/{operation_id}/attempts/{epoch}/units',
    tag: 'attempts',
    summary: 'Results of sweep units; each is accepted exactly once, 409 when the epoch is old',
    permission: 'agent',
    params: byAttempt,
    query: none,
    body: unitsReportSchema,
    reply: single(acceptedSchema),
  }),
  reportLogs: endpoint({
    method: 'post',
    path: '/operations/{operation_id}/attempts/{epoch}/logs',
    tag: 'attempts',
    summary: 'Log lines of an attempt',
    permission: 'agent',
    params: byAttempt,
    query: none,
    body: logsReportSchema,
    reply: single(acceptedSchema),
  }),
  reportResult: endpoint({
    method: 'post',
    path: '/operations/{operation_id}/attempts/{epoch}/result',
    tag: 'attempts',
    summary: 'How an attempt ended; one result is ever accepted, 409 when the epoch is old',
    permission: 'agent',
    params: byAttempt,
    query: none,
    body: resultReportSchema,
    reply: single(acceptedSchema),
    bodyBytesMax: 64 * 1024 * 1024,
  }),
};

const operations = {
  startBacktest: endpoint({
    method: 'post',
    path: '/backtests/start',
    tag: 'work',
    summary: 'Backtest a strategy. Needs a worker: without one it fails with 503 and a reason for each agent',
    permission: 'run',
    params: none,
    query: submitQuery,
    body: submission,
    reply: single(operationSchema),
  }),
  startSweep: endpoint({
    method: 'post',
    path: '/sweeps/start',
    tag: 'work',
    summary: 'Backtest the combinations of a parameter grid, in batches over all workers',
    permission: 'run',
    params: none,
    query: submitQuery,
    body: submission,
    reply: single(operationSchema),
  }),
  listOperations: endpoint({
    method: 'get',
    path: '/operations',
    tag: 'operations',
    summary: 'Operations, newest first; the batches of a sweep are listed by its children',
    permission: 'read',
    params: none,
    query: page.extend({
      status: operationStatusSchema.optional(),
      operation_type: z.string().max(40).optional(),
      active_only: z.stringbool().default(false),
    }),
    body: z.undefined(),
    reply: listOf(operationSchema),
  }),
  getOperation: endpoint({
    method: 'get',
    path: '/operations/{operation_id}',
    tag: 'operations',
    summary: 'One operation with its attempts; says why it is waiting when it is',
    permission: 'read',
    params: byOperation,
    query: none,
    body: z.undefined(),
    reply: single(
      operationSchema.extend({ attempts: z.array(attemptSchema), refusals: z.array(refusalSchema) }),
    ),
  }),
  listChildren: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/children',
    tag: 'operations',
    summary: 'The batches of a sweep',
    permission: 'read',
    params: byOperation,
    query: page,
    body: z.undefined(),
    reply: listOf(operationSchema),
  }),
  getResults: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/results',
    tag: 'operations',
    summary: 'The whole result of a completed operation',
    permission: 'read',
    params: byOperation,
    query: none,
    body: z.undefined(),
    reply: single(z.record(z.string(), z.unknown())),
  }),
  getMetrics: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/metrics',
    tag: 'operations',
    summary: 'The metrics of a completed operation',
    permission: 'read',
    params: byOperation,
    query: none,
    body: z.undefined(),
    reply: single(z.record(z.string(), z.unknown())),
  }),
  listUnits: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/units',
    tag: 'operations',
    summary: 'The units of a sweep, ranked by a metric, also while it runs',
    permission: 'read',
    params: byOperation,
    query: page.extend({
      rank_by: z.string().max(64).optional(),
      order: z.enum(['best', 'worst', 'index']).default('best'),
      /** CSV and Parquet have all units, in order of their index. */
      format: exportFormatSchema,
    }),
    body: z.undefined(),
    reply: listOf(unitResultSchema.extend({ rank: z.int() })).extend({
      rank_by: z.string(),
      units_total: z.int(),
    }),
  }),
  getLogs: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/logs',
    tag: 'operations',
    summary: 'Log lines after a cursor, oldest first; of a sweep, those of its batches',
    permission: 'read',
    params: byOperation,
    query: z.object({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(5000).default(1000),
    }),
    body: z.undefined(),
    reply: single(
      z.object({
        lines: z.array(
          logLineSchema.extend({ cursor: z.int(), operation_id: z.string(), worker_name: z.string() }),
        ),
        cursor: z.int(),
      }),
    ),
  }),
  streamOperation: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/events',
    tag: 'operations',
    summary: 'Server-sent events: `operation` with its present state at each change, `end` once it is over',
    permission: 'read',
    params: byOperation,
    query: none,
    body: z.undefined(),
    reply: z.unknown(),
    media: 'sse',
  }),
  cancelOperation: endpoint({
    method: 'delete',
    path: '/operations/{operation_id}',
    tag: 'operations',
    summary: 'Cancel; with `force` without waiting for the worker, whose late results are then refused',
    permission: 'run',
    params: byOperation,
    query: z.object({ reason: z.string().max(500).optional(), force: z.stringbool().default(false) }),
    body: z.undefined(),
    reply: single(operationSchema),
  }),
  retryOperation: endpoint({
    method: 'post',
    path: '/operations/{operation_id}/retry',
    tag: 'operations',
    summary: 'Run a failed or cancelled operation again; a sweep runs only the units without a result',
    permission: 'run',
    params: byOperation,
    query: none,
    body: z.undefined(),
    reply: single(operationSchema),
  }),
};

/** Every endpoint of the control plane by name. A route file without its row here does not compile. */
export const endpoints = {
  ...attempts,
  ...dataEndpoints,
  ...drainEndpoints,
  ...exportEndpoints,
  ...fleet,
  ...gossipEndpoints,
  ...indicatorEndpoints,
  ...operations,
  ...strategyEndpoints,
  ...workers,
};
export type Endpoints = typeof endpoints;
export type EndpointName = keyof Endpoints;
