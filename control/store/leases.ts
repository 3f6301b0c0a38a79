import type { AttemptKey } from '#agent/contract/lease';
import { lockOperation, type Fenced } from './fence';
import { requeue } from './requeue';
import type { Sql } from './sql';

/** Heartbeats of its agent without the attempt, after which a lease is taken back. */
const MISSED_HEARTBEATS_MAX = 2;

/** Who holds an attempt, and for how long at a time. */
export interface Holder {
  nodeId: string;
  leaseMs: number;
}

export type HeldState = 'renewed' | 'cancel' | 'lost';
export type HeldLease = AttemptKey & { state: HeldState };

/**
 * Renews what a node says it holds and answers, for each attempt, whether it still may. Leases of the
 * node that it does not list are counted as missed, and taken back at the second time: the grant never
 * arrived, or the agent lost the job.
 */
export async function renewLeases(sql: Sql, node: Holder, held: AttemptKey[]): Promise<HeldLease[]> {
  const ids = held.map((key) => key.operation_id);
  const epochs = held.map((key) => key.epoch);
  const rows = await sql<{ operationId: string; epoch: number; cancel: boolean }[]>`
    update lease l set until = now() + ${node.leaseMs}::float8 * interval '1 ms', missed_heartbeats = 0,
                       acknowledged_at = coalesce(l.acknowledged_at, now())
    from unnest(${ids}::text[], ${epochs}::int[]) as h(operation_id, epoch), operation o
    where l.operation_id = h.operation_id and l.epoch = h.epoch and l.node_id = ${node.nodeId}
      and o.operation_id = l.operation_id
    returning l.operation_id, l.epoch, o.cancel_requested_at is not null as cancel`;
  const renewed = new Map(rows.map((row) => [`${row.operationId}.${row.epoch}`, row]));
  const answer: HeldLease[] = [];
  for (const key of held) {
    const row = renewed.get(`${key.operation_id}.${key.epoch}`);
    if (row) answer.push({ ...key, state: row.cancel ? 'cancel' : 'renewed' });
    else answer.push({ ...key, state: await reclaim(sql, key, node) });
  }
  await sql`
    update lease set missed_heartbeats = missed_heartbeats + 1
    where node_id = ${node.nodeId}
      and (operation_id, epoch) not in (select * from unnest(${ids}::text[], ${epochs}::int[]))`;
  return answer;
}

/** An expired lease that nobody else was given is renewed at the same epoch; otherwise it is lost. */
async function reclaim(sql: Sql, key: AttemptKey, node: Holder): Promise<HeldState> {
  const operation = await lockOperation(sql, key.operation_id, key.epoch);
  const waiting = operation?.status === 'pending' || operation?.status === 'resuming';
  const mine = operation?.epoch === key.epoch && operation.attemptNodeId === node.nodeId;
  if (!operation || !waiting || !mine || operation.attemptOutcome !== 'expired') return 'lost';
  await adopt(sql, operation, node);
  return operation.cancelRequestedAt === null ? 'renewed' : 'cancel';
}

/**
 * Gives an expired attempt its lease back: after all, it was not lost. The caller holds the operation's
 * lock and has judged it; returns the operation as it is now.
 */
export async function adopt(sql: Sql, operation: Fenced, node: Holder): Promise<Fenced> {
  const { operationId, epoch } = operation;
  const attemptsLost = Math.max(0, operation.attemptsLost - 1);
  await sql`
    update operation set status = 'running', attempts_lost = ${attemptsLost} where operation_id = ${operationId}`;
  await sql`
    update attempt set outcome = null, ended_at = null where operation_id = ${operationId} and epoch = ${epoch}`;
  await sql`
    insert into lease (operation_id, epoch, node_id, nonce, acknowledged_at, until)
    values (${operationId}, ${epoch}, ${node.nodeId}, gen_random_uuid(), now(),
            now() + ${node.leaseMs}::float8 * interval '1 ms')`;
  return { ...operation, status: 'running', attemptOutcome: null, attemptsLost };
}

export interface OverdueLease {
  operationId: string;
  epoch: number;
  outcome: 'expired' | 'unacknowledged' | 'lost';
}

/**
 * Leases past their end at a reading of the database's clock, or whose agent does not know of them;
 * oldest first, without locking any.
 */
export async function overdueLeases(
  sql: Sql,
  { databaseMs, limit }: { databaseMs: number; limit: number },
): Promise<OverdueLease[]> {
  const reading = sql`to_timestamp(${databaseMs}::float8 / 1000)`;
  return await sql<OverdueLease[]>`
    select operation_id, epoch,
           case when until < ${reading} then 'expired' when acknowledged_at is null then 'unacknowledged' else 'lost' end
             as outcome
    from lease where until < ${reading} or missed_heartbeats >= ${MISSED_HEARTBEATS_MAX}
    order by until limit ${limit}`;
}

/** Takes one overdue lease back, if it is still overdue once the operation is locked. */
export async function expireLease(sql: Sql, lease: OverdueLease): Promise<boolean> {
  const operation = await lockOperation(sql, lease.operationId, lease.epoch);
  if (operation?.epoch !== lease.epoch || operation.status !== 'running') return false;
  // Locked, so that a heartbeat which renews it at this moment is waited for and seen.
  const [still] = await sql`
    select 1 from lease where operation_id = ${lease.operationId} and epoch = ${lease.epoch}
      and (until < now() or missed_heartbeats >= ${MISSED_HEARTBEATS_MAX}) for update`;
  if (!still) return false;
  await requeue(sql, operation, { outcome: lease.outcome, error: null, delayMs: 0 });
  return true;
}

/** The clock that leases are judged by, milliseconds since 1970. */
export async function databaseClockMs(sql: Sql): Promise<number> {
  const [row] = await sql<
    { ms: number }[]
  >`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`;
  return row?.ms ?? 0;
}
