import type { AttemptKey, BarsInput } from '#agent/contract/lease';
import type {
  AttemptOutcome,
  OperationError,
  OperationStatus,
  Progress,
  Provenance,
} from '#agent/contract/operation';
import type { Needs } from '#agent/contract/kind';
import { fence, stale } from './fence';
import { json, type Sql } from './sql';

export interface OperationRow {
  operationId: string;
  kind: string;
  role: 'single' | 'parent' | 'batch';
  parentId: string | null;
  status: OperationStatus;
  priority: number;
  parameters: Record<string, unknown>;
  parametersSha256: string;
  metadata: Record<string, unknown>;
  needs: Needs;
  bars: BarsInput | null;
  idempotencyKey: string | null;
  unitFrom: number | null;
  unitTo: number | null;
  unitsDone: number;
  unitsTotal: number | null;
  epoch: number;
  attemptsFailed: number;
  attemptsLost: number;
  attemptsMax: number;
  timeoutMs: number;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
  cancelRequestedAt: string | null;
  cancelReason: string | null;
  progress: Progress | null;
  warnings: string[];
  resultSummary: Record<string, unknown> | null;
  provenance: Provenance | null;
  error: OperationError | null;
  /** Until a retry is due; zero when it may start now. */
  notBeforeInMs: number;
  runningForMs: number | null;
  nodeId: string | null;
  nodeName: string | null;
}

export interface NewOperation {
  operationId: string;
  kind: string;
  role: OperationRow['role'];
  parentId: string | null;
  priority: number;
  parameters: Record<string, unknown>;
  parametersSha256: string;
  metadata: Record<string, unknown>;
  needs: Needs;
  bars: BarsInput | null;
  idempotencyKey: string | null;
  unitFrom: number | null;
  unitTo: number | null;
  unitsTotal: number | null;
  attemptsMax: number;
  timeoutMs: number;
}

/** What one step of priority is worth in seconds of waiting; see `rank` in 0001-fleet.sql. */
const AGEING_SECONDS = 600;

/** Writes operations in one statement; call it with a parent and all its batches, or with one alone. */
export async function insertOperations(sql: Sql, operations: NewOperation[]): Promise<void> {
  const rows = operations.map((operation) => ({ ...operation, bars: operation.bars ?? null }));
  await sql`
    insert into operation (operation_id, kind, role, parent_id, priority, rank, parameters, parameters_sha256,
      metadata, needs, bars, idempotency_key, unit_from, unit_to, units_total, attempts_max, timeout_ms)
    select r."operationId", r.kind, r.role, r."parentId", r.priority,
           r.priority * ${AGEING_SECONDS}::float8 - extract(epoch from now())::float8,
           r.parameters, r."parametersSha256", r.metadata, r.needs, nullif(r.bars, 'null'), r."idempotencyKey",
           r."unitFrom", r."unitTo", r."unitsTotal", r."attemptsMax", r."timeoutMs"
    from jsonb_to_recordset(${json(sql, rows)}) as r(
      "operationId" text, kind text, role text, "parentId" text, priority integer, parameters jsonb,
      "parametersSha256" text, metadata jsonb, needs jsonb, bars jsonb, "idempotencyKey" text,
      "unitFrom" integer, "unitTo" integer, "unitsTotal" integer, "attemptsMax" integer, "timeoutMs" bigint)`;
}

export async function findOperation(sql: Sql, operationId: string): Promise<OperationRow | undefined> {
  const [row] = await sql<OperationRow[]>`${selectOperation(sql)} where o.operation_id = ${operationId}`;
  return row;
}

export async function findByIdempotencyKey(sql: Sql, key: string): Promise<OperationRow | undefined> {
  const [row] = await sql<OperationRow[]>`${selectOperation(sql)} where o.idempotency_key = ${key}`;
  return row;
}

export interface OperationFilter {
  status?: OperationStatus;
  kind?: string;
  activeOnly: boolean;
  parentId?: string;
  limit: number;
  offset: number;
}

export interface OperationPage {
  rows: OperationRow[];
  totalCount: number;
  activeCount: number;
}

export async function listOperations(sql: Sql, filter: OperationFilter): Promise<OperationPage> {
  const scope =
    filter.parentId === undefined ? sql`o.role <> 'batch'` : sql`o.parent_id = ${filter.parentId}`;
  const where = sql`${scope}
    ${filter.status === undefined ? sql`` : sql`and o.status = ${filter.status}`}
    ${filter.kind === undefined ? sql`` : sql`and o.kind = ${filter.kind}`}
    ${filter.activeOnly ? sql`and o.status in ('pending', 'resuming', 'running')` : sql``}`;
  const order = filter.parentId === undefined ? sql`o.created_at desc, o.operation_id` : sql`o.unit_from`;
  const rows = await sql<OperationRow[]>`
    ${selectOperation(sql)} where ${where} order by ${order} limit ${filter.limit} offset ${filter.offset}`;
  const [counts] = await sql<{ totalCount: number; activeCount: number }[]>`
    select count(*)::int as total_count,
           (count(*) filter (where o.status in ('pending', 'resuming', 'running')))::int as active_count
    from operation o where ${where}`;
  return { rows, totalCount: counts?.totalCount ?? 0, activeCount: counts?.activeCount ?? 0 };
}

/** Keeps the latest progress of a live attempt. */
export async function recordProgress(
  sql: Sql,
  key: AttemptKey,
  report: { worker_id: string; progress: Progress },
): Promise<void> {
  const { state, operation } = await fence(sql, key, report.worker_id);
  if (state === 'ended') throw stale(key, operation.epoch);
  await sql`update operation set progress = ${json(sql, report.progress)} where operation_id = ${key.operation_id}`;
}

export async function readResult(sql: Sql, operationId: string): Promise<Record<string, unknown> | null> {
  const [row] = await sql<{ result: Record<string, unknown> | null }[]>`
    select result from operation where operation_id = ${operationId}`;
  return row?.result ?? null;
}

export interface AttemptRow {
  epoch: number;
  nodeId: string;
  nodeName: string;
  grantedAt: string;
  endedAt: string | null;
  outcome: AttemptOutcome | null;
  error: OperationError | null;
}

/** The latest attempts, newest first. */
export async function listAttempts(sql: Sql, operationId: string): Promise<AttemptRow[]> {
  return await sql<AttemptRow[]>`
    select a.epoch, a.node_id, n.name as node_name, a.granted_at, a.ended_at, a.outcome, a.error
    from attempt a join node n using (node_id)
    where a.operation_id = ${operationId} order by a.epoch desc limit 50`;
}

export interface OperationCounts {
  pending: number;
  running: number;
  completed24h: number;
  failed24h: number;
}

export async function countOperations(sql: Sql): Promise<OperationCounts> {
  const [row] = await sql<OperationCounts[]>`
    select
      (select count(*) from operation where status in ('pending', 'resuming') and role <> 'batch')::int as pending,
      (select count(*) from operation where status = 'running' and role <> 'batch')::int as running,
      count(*) filter (where status = 'completed')::int as "completed24h",
      count(*) filter (where status = 'failed')::int as "failed24h"
    from operation where completed_at > now() - interval '24 hours' and role <> 'batch'`;
  return row ?? { pending: 0, running: 0, completed24h: 0, failed24h: 0 };
}

/** The units of a parent are the sum over its batches, so that its row is not written at every report. */
function selectOperation(sql: Sql) {
  return sql`
    select o.operation_id, o.kind, o.role, o.parent_id, o.status, o.priority, o.parameters, o.parameters_sha256,
           o.metadata, o.needs, o.bars, o.idempotency_key, o.unit_from, o.unit_to, o.units_total, o.epoch,
           o.attempts_failed, o.attempts_lost, o.attempts_max, o.timeout_ms, o.created_at, o.started_at,
           o.completed_at, o.cancel_requested_at, o.cancel_reason, o.progress, o.warnings, o.result_summary,
           o.provenance, o.error, n.node_id, n.name as node_name,
           case when o.role = 'parent'
             then (select coalesce(sum(c.units_done), 0)::int from operation c where c.parent_id = o.operation_id)
             else o.units_done end as units_done,
           greatest(0, extract(epoch from o.not_before - now())::float8 * 1000) as not_before_in_ms,
           extract(epoch from coalesce(o.completed_at, now()) - o.started_at)::float8 * 1000 as running_for_ms
    from operation o
    left join lateral (
      select a.node_id from attempt a where a.operation_id = o.operation_id and a.epoch = o.epoch
    ) held on true
    left join node n on n.node_id = held.node_id`;
}
