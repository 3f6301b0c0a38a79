import type { AttemptKey, UnitsReport } from '#agent/contract/lease';
import { Fault } from '#agent/kit/error';
import { fence, stale } from './fence';
import { adopt } from './leases';
import { json, type Sql } from './sql';

/**
 * Accepts unit results inside the transaction that holds the batch's lock. A unit that already has a
 * result is left as it is: the retry of a report changes nothing.
 */
export async function recordUnits(
  sql: Sql,
  key: AttemptKey,
  report: UnitsReport,
  { leaseMs }: { leaseMs: number },
): Promise<{ inserted: number; parentId: string }> {
  const { state, operation } = await fence(sql, key, report.worker_id);
  if (state === 'ended') throw stale(key, operation.epoch);
  const { parentId, unitFrom, unitTo } = operation;
  if (parentId === null || unitFrom === null || unitTo === null) {
    throw new Fault('invalid', `Cannot accept units for ${key.operation_id}: it has no units`);
  }
  const outside = report.units.find((unit) => unit.unit_index < unitFrom || unit.unit_index >= unitTo);
  if (outside) {
    throw new Fault(
      'invalid',
      `Cannot accept unit ${outside.unit_index} of ${key.operation_id}: its units are ${unitFrom} to ${unitTo - 1}`,
    );
  }
  if (operation.attemptOutcome === 'expired')
    await adopt(sql, operation, { nodeId: report.worker_id, leaseMs });
  const [row] = await sql<{ inserted: number }[]>`
    with inserted as (
      insert into unit_result (sweep_id, unit_index, batch_id, epoch, parameters, metrics)
      select ${parentId}, u.unit_index, ${key.operation_id}, ${key.epoch}, u.parameters, u.metrics
      from jsonb_to_recordset(${json(sql, report.units)}) as u(unit_index integer, parameters jsonb, metrics jsonb)
      on conflict (sweep_id, unit_index) do nothing
      returning 1
    ), counted as (select count(*)::int as inserted from inserted),
    updated as (
      update operation set units_done = units_done + (select inserted from counted)
      where operation_id = ${key.operation_id}
    )
    select inserted from counted`;
  return { inserted: row?.inserted ?? 0, parentId };
}
