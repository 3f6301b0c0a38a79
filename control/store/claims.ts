import type { Needs } from '#agent/contract/kind';
import type { BarsInput } from '#agent/contract/lease';
import type { Sql } from './sql';

/** A piece of work that waits, locked for the transaction that looks at it. */
export interface Candidate {
  operationId: string;
  kind: string;
  parentId: string | null;
  needs: Needs;
  parameters: Record<string, unknown>;
  parametersSha256: string;
  bars: BarsInput | null;
  unitFrom: number | null;
  unitTo: number | null;
  unitsDone: number;
  epoch: number;
  timeoutMs: number;
}

/** What a node surely has: the SQL side of placement, so that unfit work does not fill the window. */
export interface Supply {
  cores: number;
  memoryBytes: number;
  gpu: boolean;
}

/** Locks at most `limit` waiting operations that fit, best rank first; rows locked elsewhere are passed over. */
export async function lockCandidates(sql: Sql, supply: Supply, limit: number): Promise<Candidate[]> {
  return await sql<Candidate[]>`
    select operation_id, kind, parent_id, needs, parameters, parameters_sha256, bars, unit_from, unit_to,
           units_done, epoch, timeout_ms
    from operation
    where status in ('pending', 'resuming') and role <> 'parent' and not_before <= now()
      and cancel_requested_at is null
      and (needs->>'cores')::float8 <= ${supply.cores}::float8
      and (needs->>'memoryBytes')::float8 <= ${supply.memoryBytes}::float8
      and (needs->>'gpu' <> 'required' or ${supply.gpu}::boolean)
    order by rank desc, unit_from
    limit ${limit}
    for update skip locked`;
}

export interface GrantTo {
  nodeId: string;
  nonce: string;
  leaseMs: number;
}

/** Gives locked operations to a node: a new epoch, an attempt and a lease each. */
export async function grant(sql: Sql, operationIds: string[], to: GrantTo): Promise<void> {
  await sql`
    with granted as (
      update operation set status = 'running', epoch = epoch + 1, started_at = coalesce(started_at, now()),
                           progress = null
      where operation_id = any(${operationIds}) returning operation_id, epoch, parent_id
    ), attempts as (
      insert into attempt (operation_id, epoch, node_id) select operation_id, epoch, ${to.nodeId} from granted
    ), parents as (
      update operation p set status = 'running', started_at = coalesce(p.started_at, now())
      where p.operation_id in (select parent_id from granted) and p.status in ('pending', 'resuming')
    ), used as (
      update node set last_granted_at = now() where node_id = ${to.nodeId}
    )
    insert into lease (operation_id, epoch, node_id, nonce, until)
    select operation_id, epoch, ${to.nodeId}, ${to.nonce}, now() + ${to.leaseMs}::float8 * interval '1 ms' from granted`;
}

/**
 * The grants that an earlier poll with this nonce made and that are still held. They are renewed, since
 * the agent counts their leases from the sending of the poll that is answered.
 */
export async function grantedWith(sql: Sql, { nodeId, nonce, leaseMs }: GrantTo): Promise<Candidate[]> {
  return await sql<Candidate[]>`
    with held as (
      update lease set until = now() + ${leaseMs}::float8 * interval '1 ms'
      where node_id = ${nodeId} and nonce = ${nonce} returning operation_id, epoch, granted_at
    )
    select o.operation_id, o.kind, o.parent_id, o.needs, o.parameters, o.parameters_sha256, o.bars, o.unit_from,
           o.unit_to, o.units_done, o.epoch, o.timeout_ms
    from held l join operation o on o.operation_id = l.operation_id and o.epoch = l.epoch
    order by l.granted_at, o.unit_from`;
}

/** Units of a batch that already have an accepted result. */
export async function unitsDone(sql: Sql, sweepId: string, from: number, to: number): Promise<number[]> {
  const rows = await sql<{ unitIndex: number }[]>`
    select unit_index from unit_result
    where sweep_id = ${sweepId} and unit_index >= ${from} and unit_index < ${to} order by unit_index`;
  return rows.map((row) => row.unitIndex);
}

/** Attempts of a node that somebody asked to cancel. */
export async function cancelsFor(
  sql: Sql,
  nodeId: string,
): Promise<{ operationId: string; epoch: number }[]> {
  return await sql<{ operationId: string; epoch: number }[]>`
    select l.operation_id, l.epoch from lease l join operation o using (operation_id)
    where l.node_id = ${nodeId} and o.cancel_requested_at is not null`;
}
