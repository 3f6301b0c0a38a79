import { timeframeMs, type Timeframe } from '#agent/contract/timeframe';
import { Fault } from '#agent/kit/error';
import type { Database } from './connect';
import { instantOfMicros } from './instant';
import { nextTurn } from './next-turn';
import { packedColumns, unpackPage, type PackedPage, type StoredColumns } from './packed-bars';
import { requireSeries } from './series';
import type { Sql } from './sql';

export interface BarsQuery {
  symbol: string;
  timeframe: string;
  /** UTC microseconds; null or absent is open. The end is exclusive. */
  startUs?: bigint | number | null;
  endUs?: bigint | number | null;
  limit?: number;
  /** `desc` gives the last `limit` bars, newest first. */
  order?: 'asc' | 'desc';
}

/**
 * Bars of a range as columns, exact to the bit, all of one revision however long the reading takes.
 * Fault(not_found) for an unknown series; an empty range gives empty columns.
 */
export async function readBars(database: Database, query: BarsQuery): Promise<StoredColumns> {
  const result = await database.sql.begin('isolation level repeatable read read only', async (sql) => {
    const { seriesId } = await requireSeries(sql, query.symbol, query.timeframe);
    // Just after an import there are no statistics, and the planner would sort the whole series for each page.
    await sql`select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`;
    const pages: StoredColumns[] = [];
    let left = query.limit ?? Infinity;
    for (let cursor: bigint | undefined; left > 0;) {
      const size = Math.min(PAGE_BARS, left);
      const page = await readPage(sql, { seriesId, query, cursor, size });
      if (page.time.length > 0) pages.push(page);
      if (page.time.length < size) break;
      left -= page.time.length;
      cursor = page.time.at(-1);
    }
    return { columns: await concatenate(pages) };
  });
  return result.columns;
}

/**
 * Bars of a range in pages, oldest first: any number of them in the memory of one. Between two pages
 * nothing is held in the database, so a slow reader costs nobody a connection; instead it ends with
 * Fault(conflict) when the series is changed meanwhile.
 */
export async function* eachBars(
  database: Database,
  { revision, ...query }: BarsQuery & { revision: number },
): AsyncGenerator<StoredColumns> {
  for (let cursor: bigint | undefined; ;) {
    const page = await database.sql.begin('isolation level repeatable read read only', async (sql) => {
      const series = await requireSeries(sql, query.symbol, query.timeframe);
      if (series.revision !== revision) throw changedMeanwhile(query);
      await sql`select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`;
      const columns = await readPage(sql, { seriesId: series.seriesId, query, cursor, size: PAGE_BARS });
      return { columns };
    });
    const { columns } = page;
    if (columns.time.length > 0) yield columns;
    if (columns.time.length < PAGE_BARS) return;
    cursor = columns.time.at(-1);
  }
}

/** How many bars a range has, and the revision that they are of. */
export async function countBars(
  database: Database,
  query: BarsQuery,
): Promise<{ revision: number; barCount: number }> {
  const { sql } = database;
  const { seriesId, revision, barCount } = await requireSeries(sql, query.symbol, query.timeframe);
  if ((query.startUs ?? null) === null && (query.endUs ?? null) === null) return { revision, barCount };
  const [counted] = await sql<{ count: number }[]>`
    select count(*)::int as count from bar where series_id = ${seriesId} ${inRange(sql, query)}`;
  return { revision, barCount: counted?.count ?? 0 };
}

function changedMeanwhile({ symbol, timeframe }: BarsQuery): Fault {
  return new Fault(
    'conflict',
    `Cannot go on reading ${symbol} ${timeframe}: an import changed it meanwhile`,
    {
      hint: 'read it again',
    },
  );
}

/**
 * Bars of a range put together into those of a higher timeframe: first open, highest high, lowest low,
 * last close, sum of volumes. Bars begin at multiples of the timeframe since Monday 1970-01-05 UTC; the
 * first and the last one cover only what lies in the range.
 */
export async function readAggregate(
  database: Database,
  query: BarsQuery & { aggregate: Timeframe },
): Promise<StoredColumns> {
  const { sql } = database;
  const series = await requireSeries(sql, query.symbol, query.timeframe);
  checkMultiple(query.timeframe as Timeframe, query.aggregate);
  const step = `${timeframeMs(query.aggregate) / 1000} seconds`;
  const rows = await sql<PackedPage[]>`
    select ${packedColumns(sql)} from (
      select date_bin(${step}::interval, at, '1970-01-05 00:00:00+00') as at,
        (array_agg(open order by at))[1] as open, max(high) as high, min(low) as low,
        (array_agg(close order by at desc))[1] as close, sum(volume order by at) as volume
      from bar where series_id = ${series.seriesId} ${inRange(sql, query)}
      group by 1 order by 1 ${direction(sql, query)}
      limit ${query.limit ?? null}
    ) as page`;
  return rows[0] === undefined ? await concatenate([]) : unpackPage(rows[0]);
}

/** Reading one takes some milliseconds of this process, which leaves room for others in between. */
const PAGE_BARS = 20_000;

async function readPage(
  sql: Sql,
  page: { seriesId: number; query: BarsQuery; cursor: bigint | undefined; size: number },
): Promise<StoredColumns> {
  const { cursor, query } = page;
  const beyond =
    cursor === undefined
      ? sql``
      : query.order === 'desc'
        ? sql`and at < ${instantOfMicros(cursor)}`
        : sql`and at > ${instantOfMicros(cursor)}`;
  const rows = await sql<PackedPage[]>`
    select ${packedColumns(sql)} from (
      select at, open, high, low, close, volume from bar
      where series_id = ${page.seriesId} ${inRange(sql, query)} ${beyond}
      order by at ${direction(sql, query)}
      limit ${page.size}
    ) as page`;
  return unpackPage(rows[0] ?? NO_ROWS);
}

const NO_ROWS: PackedPage = {
  count: 0,
  time: null,
  open: null,
  high: null,
  low: null,
  close: null,
  volume: null,
};

function inRange(sql: Sql, { startUs = null, endUs = null }: BarsQuery) {
  const from = startUs === null ? sql`` : sql`and at >= ${boundOf(startUs)}`;
  const to = endUs === null ? sql`` : sql`and at < ${boundOf(endUs)}`;
  return sql`${from} ${to}`;
}

/** Beyond these years PostgreSQL and ISO 8601 write moments differently; no bar is there. */
const YEAR_1_US = -62_135_596_800_000_000n;
const YEAR_9999_US = 253_370_764_800_000_000n;

function boundOf(micros: bigint | number): string {
  const exact = BigInt(micros);
  return instantOfMicros(exact < YEAR_1_US ? YEAR_1_US : exact > YEAR_9999_US ? YEAR_9999_US : exact);
}

function direction(sql: Sql, { order }: BarsQuery) {
  return order === 'desc' ? sql`desc` : sql`asc`;
}

function checkMultiple(from: Timeframe, to: Timeframe): void {
  const ratio = timeframeMs(to) / timeframeMs(from);
  if (ratio > 1 && Number.isInteger(ratio)) return;
  throw new Fault('invalid', `Cannot aggregate ${from} bars to ${to}: it is not a longer multiple`, {
    hint: 'ask for a higher timeframe, or for the bars as they are stored',
  });
}

const COLUMNS = ['time', 'open', 'high', 'low', 'close', 'volume'] as const;

async function concatenate(pages: readonly StoredColumns[]): Promise<StoredColumns> {
  const [first] = pages;
  if (pages.length === 1 && first !== undefined) return first;
  const length = pages.reduce((sum, page) => sum + page.time.length, 0);
  const all: StoredColumns = {
    time: new BigInt64Array(length),
    open: new Float64Array(length),
    high: new Float64Array(length),
    low: new Float64Array(length),
    close: new Float64Array(length),
    volume: new Float64Array(length),
  };
  let offset = 0;
  for (const [index, page] of pages.entries()) {
    all.time.set(page.time, offset);
    for (const name of COLUMNS) if (name !== 'time') all[name].set(page[name], offset);
    offset += page.time.length;
    // Millions of bars are copied in slices, between which the event loop does other things.
    if (index % 8 === 7) await nextTurn();
  }
  return all;
}
