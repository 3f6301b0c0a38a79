import type { OperationStatus } from '#agent/contract/operation';
import type { Sql } from './sql';

/** Operations by kind and status; batches are part of their sweep and not counted. */
export async function operationCountsByKind(
  sql: Sql,
): Promise<{ kind: string; status: OperationStatus; count: number }[]> {
  return await sql<{ kind: string; status: OperationStatus; count: number }[]>`
    select kind, status, count(*)::int as count from operation where role <> 'batch' group by kind, status`;
}

/** Quantiles of the run time of operations that ended within the last hour. */
export async function operationDurations(
  sql: Sql,
): Promise<{ kind: string; medianSeconds: number; p95Seconds: number }[]> {
  return await sql<{ kind: string; medianSeconds: number; p95Seconds: number }[]>`
    select kind,
           percentile_cont(0.5) within group (order by extract(epoch from completed_at - started_at)) as median_seconds,
           percentile_cont(0.95) within group (order by extract(epoch from completed_at - started_at)) as p95_seconds
    from operation
    where completed_at > now() - interval '1 hour' and started_at is not null and role <> 'batch'
    group by kind`;
}
