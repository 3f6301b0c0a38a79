import type { Sql } from './sql';

export interface RankedUnit {
  rank: number;
  unitIndex: number;
  parameters: Record<string, unknown>;
  metrics: Record<string, number | null>;
}

export interface Ranking {
  metric: string;
  higherIsBetter: boolean;
  order: 'best' | 'worst' | 'index';
  limit: number;
  offset: number;
}

/** Units by a metric; undefined metrics come last either way, and ties go to the lower index. */
export async function rankUnits(sql: Sql, sweepId: string, ranking: Ranking): Promise<RankedUnit[]> {
  const descending = (ranking.order === 'best') === ranking.higherIsBetter;
  const value = sql`(metrics->>${ranking.metric})::float8`;
  const direction = descending ? sql`desc nulls last` : sql`asc nulls last`;
  const order = ranking.order === 'index' ? sql`unit_index` : sql`${value} ${direction}, unit_index`;
  return await sql<RankedUnit[]>`
    select (row_number() over (order by ${order}))::int as rank, unit_index, parameters, metrics
    from unit_result where sweep_id = ${sweepId}
    order by rank limit ${ranking.limit} offset ${ranking.offset}`;
}

/** SHA-256 over the SHA-256 of every unit's metrics in index order: equal for equal results. */
export async function hashUnits(sql: Sql, sweepId: string): Promise<string | null> {
  const [row] = await sql<{ hash: string | null }[]>`
    select encode(sha256(convert_to(string_agg(
             encode(sha256(convert_to(metrics::text, 'UTF8')), 'hex'), '' order by unit_index), 'UTF8')), 'hex') as hash
    from unit_result where sweep_id = ${sweepId}`;
  return row?.hash ?? null;
}
