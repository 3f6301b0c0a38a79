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

/** How many trials there were, and the spread of their Sharpe ratios; read without the units themselves. */
export interface TrialSummary {
  trialCount: number;
  /** Trials that have a Sharpe ratio. */
  sharpeCount: number;
  sharpeMean: number | null;
  /** With n − 1. */
  sharpeVariance: number | null;
}

/** Sums in index order, so that the same units give the same bits. */
export async function summarizeTrials(sql: Sql, sweepId: string): Promise<TrialSummary> {
  const [row] = await sql<TrialSummary[]>`
    select count(*)::int as trial_count, count(sharpe)::int as sharpe_count,
      avg(sharpe order by unit_index) as sharpe_mean,
      var_samp(sharpe order by unit_index) as sharpe_variance
    from (select unit_index, (metrics->>'sharpe_ratio')::float8 as sharpe
          from unit_result where sweep_id = ${sweepId}) trial`;
  return row ?? { trialCount: 0, sharpeCount: 0, sharpeMean: null, sharpeVariance: null };
}

/**
 * Of a walk forward, the best unit of each window in order of windows, ties to the lower index. A window
 * in which no unit has the metric is left out.
 */
export async function chooseInWindows(
  sql: Sql,
  sweepId: string,
  { metric, higherIsBetter }: Pick<Ranking, 'metric' | 'higherIsBetter'>,
): Promise<Array<Omit<RankedUnit, 'rank'>>> {
  const direction = higherIsBetter ? sql`desc` : sql`asc`;
  return await sql<Array<Omit<RankedUnit, 'rank'>>>`
    select distinct on (window_index) unit_index, parameters, metrics
    from (select unit_index, parameters, metrics, (metrics->>'window')::int as window_index,
                 (metrics->>${metric})::float8 as value
          from unit_result where sweep_id = ${sweepId}) unit
    where value is not null
    order by window_index, value ${direction}, unit_index`;
}

/** SHA-256 over the SHA-256 of every unit's metrics in index order: equal for equal results. */
export async function hashUnits(sql: Sql, sweepId: string): Promise<string | null> {
  const [row] = await sql<{ hash: string | null }[]>`
    select encode(sha256(convert_to(string_agg(
             encode(sha256(convert_to(metrics::text, 'UTF8')), 'hex'), '' order by unit_index), 'UTF8')), 'hex') as hash
    from unit_result where sweep_id = ${sweepId}`;
  return row?.hash ?? null;
}

/** All units by parts, in order of their index; no connection is held between the parts. */
export async function* eachUnits(
  sql: Sql,
  sweepId: string,
  unitsPerPart: number,
): AsyncGenerator<Array<Omit<RankedUnit, 'rank'>>> {
  for (let after = -1; ;) {
    const units = await sql<Array<Omit<RankedUnit, 'rank'>>>`
      select unit_index, parameters, metrics from unit_result
      where sweep_id = ${sweepId} and unit_index > ${after} order by unit_index limit ${unitsPerPart}`;
    if (units.length > 0) yield [...units];
    if (units.length < unitsPerPart) return;
    after = units.at(-1)?.unitIndex ?? after;
  }
}
