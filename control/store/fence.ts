import type { AttemptKey } from '#agent/contract/lease';
import type { AttemptOutcome, OperationStatus } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import type { Sql } from './sql';

/** An operation under the lock of the transaction that reports on it. */
export interface Fenced {
  operationId: string;
  kind: string;
  role: 'single' | 'parent' | 'batch';
  parentId: string | null;
  status: OperationStatus;
  epoch: number;
  unitFrom: number | null;
  unitTo: number | null;
  unitsDone: number;
  attemptsFailed: number;
  attemptsLost: number;
  attemptsMax: number;
  cancelRequestedAt: string | null;
  attemptNodeId: string | null;
  attemptOutcome: AttemptOutcome | null;
}

/**
 * `live`: the attempt may write. `ended`: this very attempt has already ended, so the report is a retry.
 * Anything else throws `stale_epoch`: the work was given to somebody else and this report is dropped.
 */
export type FenceState = 'live' | 'ended';

/**
 * Locks the operation and judges an attempt's right to write to it.
 *
 * An attempt whose lease expired while nobody else was given the work is still the latest epoch: its
 * lease is renewed, and what it did counts.
 */
export async function fence(
  sql: Sql,
  key: AttemptKey,
  nodeId: string,
): Promise<{ state: FenceState; operation: Fenced }> {
  const operation = await lockOperation(sql, key.operation_id, key.epoch);
  if (operation === undefined) {
    throw new Fault('not_found', `Cannot report on ${key.operation_id}: there is no such operation`);
  }
  if (operation.epoch !== key.epoch || operation.attemptNodeId !== nodeId) throw stale(key, operation.epoch);
  if (operation.attemptOutcome === null && operation.status === 'running')
    return { state: 'live', operation };
  const waiting = operation.status === 'pending' || operation.status === 'resuming';
  if (operation.attemptOutcome === 'expired' && waiting) return { state: 'live', operation };
  return { state: 'ended', operation };
}

export async function lockOperation(
  sql: Sql,
  operationId: string,
  epoch?: number,
): Promise<Fenced | undefined> {
  const [row] = await sql<Fenced[]>`
    select o.operation_id, o.kind, o.role, o.parent_id, o.status, o.epoch, o.unit_from, o.unit_to, o.units_done,
           o.attempts_failed, o.attempts_lost, o.attempts_max, o.cancel_requested_at,
           a.node_id as attempt_node_id, a.outcome as attempt_outcome
    from operation o
    left join attempt a on a.operation_id = o.operation_id and a.epoch = ${epoch ?? null}::int
    where o.operation_id = ${operationId}
    for update of o`;
  return row;
}

export function stale(key: AttemptKey, current: number): Fault {
  return new Fault(
    'stale_epoch',
    `Cannot accept epoch ${key.epoch} of ${key.operation_id}: it is at epoch ${current} and was given to another attempt`,
    { details: { operation_id: key.operation_id, epoch: key.epoch, current_epoch: current } },
  );
}
