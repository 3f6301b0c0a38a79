import { isTerminal } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { lockOperation, type Fenced } from './fence';
import { endAttempt, finishParent } from './requeue';
import type { Sql } from './sql';

export interface Cancellation {
  reason: string | null;
  /** Ends it now: whatever its worker still does is refused afterwards. */
  force: boolean;
}

/** Cancels what waits at once and asks the workers of what runs. Batches first, in order, then the parent. */
export async function cancelOperation(
  sql: Sql,
  operationId: string,
  cancellation: Cancellation,
): Promise<void> {
  await cancelBatches(sql, operationId, cancellation);
  const operation = await lockOperation(sql, operationId);
  if (!operation) throw noSuchOperation(operationId);
  if (isTerminal(operation.status)) {
    throw new Fault('conflict', `Cannot cancel ${operationId}: it is already ${operation.status}`);
  }
  await cancelLocked(sql, operation, cancellation);
  if (operation.parentId !== null) await finishParent(sql, operation.parentId);
}

/** Looks again until it finds none: a batch may have been halved while this waited for its lock. */
async function cancelBatches(sql: Sql, parentId: string, cancellation: Cancellation): Promise<void> {
  const seen: string[] = [];
  for (;;) {
    const batches = await sql<{ operationId: string }[]>`
      select operation_id from operation
      where parent_id = ${parentId} and status in ('pending', 'resuming', 'running')
        and not (operation_id = any(${seen}))
      order by operation_id for update`;
    if (batches.length === 0) return;
    for (const batch of batches) {
      seen.push(batch.operationId);
      const locked = await lockOperation(sql, batch.operationId);
      if (locked && !isTerminal(locked.status)) await cancelLocked(sql, locked, cancellation);
    }
  }
}

async function cancelLocked(sql: Sql, operation: Fenced, cancellation: Cancellation): Promise<void> {
  await sql`
    update operation set cancel_requested_at = coalesce(cancel_requested_at, now()), cancel_reason = ${cancellation.reason}
    where operation_id = ${operation.operationId}`;
  if (operation.role === 'parent') {
    await finishParent(sql, operation.operationId);
    return;
  }
  if (operation.status === 'running' && !cancellation.force) return;
  if (operation.status === 'running') await endAttempt(sql, operation, { outcome: 'cancelled', error: null });
  await sql`
    update operation set status = 'cancelled', completed_at = now() where operation_id = ${operation.operationId}`;
}

/**
 * Makes a failed or cancelled operation wait again; of a sweep, the batches that lack units. A batch
 * opens its sweep again, and a sweep that lacks nothing completes.
 */
export async function retryOperation(sql: Sql, operationId: string): Promise<void> {
  await reopen(sql, sql`parent_id = ${operationId}`);
  const [reopened] = await reopen(sql, sql`operation_id = ${operationId}`);
  if (reopened === undefined) {
    const operation = await lockOperation(sql, operationId);
    if (!operation) throw noSuchOperation(operationId);
    throw new Fault('conflict', `Cannot retry ${operationId}: it is ${operation.status}`, {
      hint: 'only failed and cancelled operations can be retried',
    });
  }
  if (reopened.parentId !== null) await reopen(sql, sql`operation_id = ${reopened.parentId}`);
  if (reopened.role === 'parent') await finishParent(sql, operationId);
}

async function reopen(sql: Sql, which: ReturnType<Sql>): Promise<Pick<Fenced, 'role' | 'parentId'>[]> {
  return await sql<Pick<Fenced, 'role' | 'parentId'>[]>`
    update operation set status = 'resuming', completed_at = null, error = null, cancel_requested_at = null,
      cancel_reason = null, attempts_failed = 0, attempts_lost = 0, not_before = now()
    where ${which} and status in ('failed', 'cancelled') returning role, parent_id`;
}

export function noSuchOperation(operationId: string): Fault {
  return new Fault('not_found', `Cannot find ${operationId}: there is no such operation`, {
    hint: '`ktrdr-agent ops` lists them',
  });
}
