import type { Fenced } from './fence';
import type { Sql } from './sql';

/**
 * Splits a batch whose process died so that the unit that kills it is found in log2(n) crashes: the
 * missing units are divided between the batch and a new one, both waiting, both with fresh attempts.
 * False when fewer than two units are missing: then the batch itself has to fail.
 */
export async function halveBatch(sql: Sql, batch: Fenced): Promise<boolean> {
  if (batch.parentId === null || batch.unitFrom === null || batch.unitTo === null) return false;
  const missing = await sql<{ unit: number }[]>`
    select unit::int from generate_series(${batch.unitFrom}::int, ${batch.unitTo}::int - 1) as unit
    where not exists (select 1 from unit_result where sweep_id = ${batch.parentId} and unit_index = unit)
    order by unit`;
  const middle = missing[Math.ceil(missing.length / 2)]?.unit;
  if (missing.length < 2 || middle === undefined) return false;
  await sql`
    insert into operation (operation_id, kind, role, parent_id, status, priority, rank, parameters,
      parameters_sha256, metadata, needs, bars, unit_from, unit_to, attempts_max, timeout_ms, attempts_lost, units_done)
    select regexp_replace(operation_id, '[0-9a-f]{8}[0-9a-f]*$',
             left(encode(sha256(convert_to(operation_id || ${middle}::text, 'UTF8')), 'hex'), 16)),
           kind, role, parent_id, 'pending', priority, rank, parameters, parameters_sha256, metadata, needs, bars,
           ${middle}, unit_to, attempts_max, timeout_ms, attempts_lost,
           (select count(*) from unit_result u where u.sweep_id = o.parent_id and u.unit_index >= ${middle}
              and u.unit_index < o.unit_to)
    from operation o where operation_id = ${batch.operationId}`;
  await sql`
    update operation o set status = 'resuming', unit_to = ${middle}, attempts_failed = 0, progress = null,
      units_done = (select count(*) from unit_result u where u.sweep_id = o.parent_id
                      and u.unit_index >= o.unit_from and u.unit_index < ${middle})
    where operation_id = ${batch.operationId}`;
  return true;
}
