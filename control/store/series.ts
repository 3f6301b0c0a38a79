import type { Series } from '#agent/contract/bars';
import { timeframeSchema } from '#agent/contract/timeframe';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { Sql } from './sql';

/** A series with the key of its bars. */
export interface SeriesRow {
  seriesId: number;
  symbol: string;
  timeframe: string;
  revision: number;
  barCount: number;
  firstAt: string | null;
  lastAt: string | null;
  timezone: string;
  source: string | null;
  updatedAt: string;
}

export async function findSeries(
  sql: Sql,
  symbol: string,
  timeframe: string,
): Promise<SeriesRow | undefined> {
  const rows = await sql<SeriesRow[]>`
    select * from series where symbol = ${symbol} and timeframe = ${timeframe}`;
  return rows[0];
}

/** Fault(not_found) that names what there is instead: other timeframes of the symbol, or a similar symbol. */
export async function requireSeries(sql: Sql, symbol: string, timeframe: string): Promise<SeriesRow> {
  const found = await findSeries(sql, symbol, timeframe);
  if (found !== undefined) return found;
  const stored = await sql<{ symbol: string; timeframe: string }[]>`
    select symbol, timeframe from series order by symbol, timeframe`;
  const others = stored.filter((series) => series.symbol === symbol).map((series) => series.timeframe);
  const similar = nearest(symbol, new Set(stored.map((series) => series.symbol)));
  const instead =
    others.length > 0
      ? `${symbol} is stored as ${others.join(', ')}`
      : similar === undefined
        ? undefined
        : `did you mean ${similar}?`;
  throw new Fault('not_found', `Cannot find bars of ${symbol} ${timeframe}: none were imported`, {
    hint: instead ?? `ktrdr-agent data import ${symbol}_${timeframe}.csv`,
    details: { symbol, timeframe, similar: similar ?? null, timeframes: others },
  });
}

export async function listSeries(sql: Sql): Promise<SeriesRow[]> {
  return await sql<SeriesRow[]>`
    select * from series
    order by symbol, array_position(${[...timeframeSchema.options]}::text[], timeframe)`;
}

export async function listSymbols(sql: Sql): Promise<string[]> {
  const rows = await sql<{ symbol: string }[]>`select distinct symbol from series order by symbol`;
  return rows.map((row) => row.symbol);
}

/** As the API shows a series. */
export function seriesOf(row: SeriesRow): Series {
  return {
    symbol: row.symbol,
    timeframe: timeframeSchema.parse(row.timeframe),
    bar_count: row.barCount,
    first_bar_at: row.firstAt,
    last_bar_at: row.lastAt,
    revision: row.revision,
    source: row.source,
    updated_at: row.updatedAt,
  };
}
