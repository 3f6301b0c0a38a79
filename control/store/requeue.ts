import {
  isTerminal,
  type AttemptOutcome,
  type OperationError,
  type OperationStatus,
} from '#agent/contract/operation';
import { assert } from '#agent/kit/assert';
import type { Fenced } from './fence';
import { json, type Sql } from './sql';
import { hashUnits } from './unit-ranking';

/** Losses of infrastructure that one operation survives; they do not use up its attempts. */
export const LOSSES_MAX = 20;

const LOSSES: readonly AttemptOutcome[] = ['expired', 'unacknowledged', 'lost'];

export interface Ending {
  outcome: AttemptOutcome;
  error: OperationError | null;
  /** Before the next attempt may start. */
  delayMs: number;
}

/** Ends the present attempt and makes the operation wait for another, or fails it after too many losses. */
export async function requeue(sql: Sql, operation: Fenced, ending: Ending): Promise<void> {
  const lost = LOSSES.includes(ending.outcome);
  const losses = operation.attemptsLost + (lost ? 1 : 0);
  await endAttempt(sql, operation, ending);
  if (operation.cancelRequestedAt !== null) {
    await settle(sql, operation, { status: 'cancelled', error: null });
    return;
  }
  if (losses > LOSSES_MAX) {
    const message = `it lost its worker ${losses} times`;
    await settle(sql, operation, { status: 'failed', error: { code: 'unavailable', message } });
    return;
  }
  const failed =
    ending.outcome === 'failed' || ending.outcome === 'crashed' || ending.outcome === 'timed_out';
  await sql`
    update operation set status = ${operation.epoch > 0 ? 'resuming' : 'pending'}, attempts_lost = ${losses},
      attempts_failed = attempts_failed + ${failed ? 1 : 0}, progress = null,
      not_before = now() + ${ending.delayMs}::float8 * interval '1 ms'
    where operation_id = ${operation.operationId}`;
}

/** Writes the end of the attempt and gives its lease back. */
export async function endAttempt(
  sql: Sql,
  operation: Fenced,
  ending: Omit<Ending, 'delayMs'>,
): Promise<void> {
  await sql`
    update attempt set ended_at = now(), outcome = ${ending.outcome},
      error = ${ending.error === null ? null : json(sql, ending.error)}
    where operation_id = ${operation.operationId} and epoch = ${operation.epoch}`;
  await sql`delete from lease where operation_id = ${operation.operationId}`;
}

export interface Settlement {
  status: Extract<OperationStatus, 'completed' | 'failed' | 'cancelled'>;
  error: OperationError | null;
}

/** The one way in which an operation without a result ends; its parent ends with its last batch. */
export async function settle(sql: Sql, operation: Fenced, settlement: Settlement): Promise<void> {
  await sql`
    update operation set status = ${settlement.status}, completed_at = now(),
      error = ${settlement.error === null ? null : json(sql, settlement.error)}
    where operation_id = ${operation.operationId}`;
  if (operation.parentId !== null) await finishParent(sql, operation.parentId);
}

/**
 * Ends a parent when no batch is left to run. The parent's lock makes two last batches wait for each
 * other, so that the later one sees both ended.
 */
export async function finishParent(sql: Sql, parentId: string): Promise<void> {
  const [parent] = await sql<{ status: OperationStatus; unitsTotal: number; cancelled: boolean }[]>`
    select status, units_total, cancel_requested_at is not null as cancelled
    from operation where operation_id = ${parentId} for update`;
  assert(parent, `parent ${parentId} exists`);
  const [children] = await sql<{ open: number; done: number }[]>`
    select (count(*) filter (where status in ('pending', 'resuming', 'running')))::int as open,
           coalesce(sum(units_done), 0)::int as done
    from operation where parent_id = ${parentId}`;
  assert(children, 'an aggregate has one row');
  if (children.open > 0 || isTerminal(parent.status)) return;

  const missing = parent.unitsTotal - children.done;
  if (parent.cancelled) {
    await close(sql, parentId, { status: 'cancelled', error: null });
  } else if (missing > 0) {
    const message = `${missing} of ${parent.unitsTotal} units have no result; ${await firstFailure(sql, parentId)}`;
    await close(sql, parentId, { status: 'failed', error: { code: 'internal', message } });
  } else {
    await close(sql, parentId, { status: 'completed', error: null });
  }
}

/** The first unit without a result, and why its batch ended without it. */
async function firstFailure(sql: Sql, parentId: string): Promise<string> {
  const [row] = await sql<{ unit: number; message: string | null }[]>`
    select u.unit::int,
           case when c.status = 'cancelled' then 'its batch was cancelled' else c.error->>'message' end as message
    from operation c, generate_series(c.unit_from, c.unit_to - 1) as u(unit)
    where c.parent_id = ${parentId} and c.status in ('failed', 'cancelled')
      and not exists (select 1 from unit_result r where r.sweep_id = ${parentId} and r.unit_index = u.unit)
    order by u.unit limit 1`;
  return row ? `unit ${row.unit}: ${row.message ?? 'no reason was given'}` : 'no batch says why';
}

/** A parent carries the provenance of its batches, with the hash of all its units as its result. */
async function close(sql: Sql, operationId: string, settlement: Settlement): Promise<void> {
  const hash = settlement.status === 'completed' ? await hashUnits(sql, operationId) : null;
  await sql`
    update operation set status = ${settlement.status}, completed_at = now(),
      error = ${settlement.error === null ? null : json(sql, settlement.error)},
      provenance = (select c.provenance || jsonb_build_object('result_sha256', ${hash}::text)
                    from operation c where c.parent_id = ${operationId} and c.provenance is not null
                    order by c.completed_at desc limit 1)
    where operation_id = ${operationId}`;
}
