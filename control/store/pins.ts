import type { Sql } from './sql';

/** Bars that operations were submitted with, so that their file can be written again and verified. */
export interface PinnedBars {
  dataHash: string;
  symbol: string;
  timeframe: string;
  /** UTC microseconds; null is open. The end is exclusive. */
  startUs: number | null;
  endUs: number | null;
  barCount: number;
  revision: number;
}

export async function insertPin(sql: Sql, pin: PinnedBars): Promise<void> {
  await sql`
    insert into pinned_bars (data_hash, symbol, timeframe, start_us, end_us, bar_count, revision)
    values (${pin.dataHash}, ${pin.symbol}, ${pin.timeframe}, ${pin.startUs}, ${pin.endUs}, ${pin.barCount}, ${pin.revision})
    on conflict (data_hash) do update set symbol = excluded.symbol, timeframe = excluded.timeframe,
      start_us = excluded.start_us, end_us = excluded.end_us, revision = excluded.revision, pinned_at = now()`;
}

export async function findPin(sql: Sql, dataHash: string): Promise<PinnedBars | undefined> {
  const [row] = await sql<PinnedBars[]>`
    select data_hash, symbol, timeframe, start_us, end_us, bar_count, revision
    from pinned_bars where data_hash = ${dataHash}`;
  return row;
}

/** The pin of exactly this range of a series as it stands, if there is one. */
export async function findPinOf(
  sql: Sql,
  wanted: Omit<PinnedBars, 'dataHash' | 'barCount'>,
): Promise<PinnedBars | undefined> {
  const [row] = await sql<PinnedBars[]>`
    select data_hash, symbol, timeframe, start_us, end_us, bar_count, revision
    from pinned_bars
    where symbol = ${wanted.symbol} and timeframe = ${wanted.timeframe} and revision = ${wanted.revision}
      and start_us is not distinct from ${wanted.startUs}::bigint and end_us is not distinct from ${wanted.endUs}::bigint`;
  return row;
}
