import { errorCode, Fault } from '#agent/kit/error';
import type { Database, TransactionSql } from './connect';
import { copyRows } from './copy-rows';
import type { StoredColumns } from './packed-bars';
import { findSeries, type SeriesRow } from './series';
import { json } from './sql';

export interface ImportRequest {
  symbol: string;
  timeframe: string;
  /** Where the bars come from, as people know it: a file name. */
  source: string | null;
  /** What to do with bars that are stored with other values. */
  onConflict: 'reject' | 'replace';
  /** Does everything but write. */
  dryRun: boolean;
}

/** What a caller gives, and is asked, while an import goes on. All may throw, and then nothing is written. */
export interface ImportSteps {
  /** Over all chunks times strictly ascend. */
  rows: AsyncIterable<StoredColumns>;
  /** Time zone of the stamps, which may be known only after `rows` has ended. */
  timezone: () => string;
  /** The report that is kept with the series. */
  report: (outcome: ImportOutcome) => unknown;
}

export interface ImportOutcome {
  inserted: number;
  unchanged: number;
  replaced: number;
  firstAt: string | null;
  lastAt: string | null;
  /** As it is after the import; in a dry run as it was before. */
  series: SeriesRow | null;
}

/**
 * Imports bars in one transaction: all of them, or nothing. Fault(conflict) with examples when stored
 * bars differ and `onConflict` is `reject`, Fault(invalid) when there are no rows or two of one time.
 */
export async function importBars(
  database: Database,
  request: ImportRequest,
  steps: ImportSteps,
): Promise<ImportOutcome> {
  const { outcome } = await database.sql.begin(async (sql) => {
    // A large import takes longer than any statement otherwise may.
    await sql`set local statement_timeout = 0`;
    await sql`
      create temp table import_bar (
        at timestamptz not null, open float8 not null, high float8 not null, low float8 not null,
        close float8 not null, volume float8 not null
      ) on commit drop`;
    await copyRows(sql, steps.rows);
    await indexRows(sql, request);
    return { outcome: await merge(sql, request, steps) };
  });
  return outcome;
}

/** The last reports of a series, newest first. */
export async function listImportReports(
  database: Database,
  seriesId: number,
  limit = 10,
): Promise<{ revision: number; report: unknown; createdAt: string }[]> {
  return await database.sql<{ revision: number; report: unknown; createdAt: string }[]>`
    select revision, report, created_at from import_report
    where series_id = ${seriesId} order by import_report_id desc limit ${limit}`;
}

async function indexRows(sql: TransactionSql, request: ImportRequest): Promise<void> {
  try {
    await sql`create unique index on import_bar (at)`;
  } catch (cause) {
    if (errorCode(cause) !== '23505') throw cause;
    const message = `Cannot import ${request.symbol} ${request.timeframe}: two bars have the same time`;
    throw new Fault('invalid', message, { cause });
  }
  await sql`analyze import_bar`;
}

async function merge(
  sql: TransactionSql,
  request: ImportRequest,
  steps: ImportSteps,
): Promise<ImportOutcome> {
  const series = request.dryRun
    ? await findSeries(sql, request.symbol, request.timeframe)
    : await lockSeries(sql, request, steps.timezone());
  const seriesId = series?.seriesId ?? 0;
  const { total, same, other, firstAt, lastAt } = await compare(sql, seriesId);
  if (total === 0) {
    throw new Fault(
      'invalid',
      `Cannot import ${request.symbol} ${request.timeframe}: there are no bars in it`,
    );
  }
  if (other > 0 && request.onConflict === 'reject') throw await conflictFault(sql, request, seriesId, other);
  const counts = { inserted: total - same - other, unchanged: same, replaced: other, firstAt, lastAt };
  if (request.dryRun || series === undefined) return { ...counts, series: series ?? null };
  if (total > same) await write(sql, seriesId, same + other > 0);
  const updated = total > same ? await updateSeries(sql, { ...request, seriesId }, counts.inserted) : series;
  const outcome = { ...counts, series: updated };
  await sql`
    insert into import_report (series_id, revision, report)
    values (${seriesId}, ${updated.revision}, ${json(sql, steps.report(outcome))})`;
  return outcome;
}

/** Also locks its row, so that imports of one series follow each other. */
async function lockSeries(sql: TransactionSql, request: ImportRequest, timezone: string): Promise<SeriesRow> {
  const rows = await sql<SeriesRow[]>`
    insert into series (symbol, timeframe, timezone, source)
    values (${request.symbol}, ${request.timeframe}, ${timezone}, ${request.source})
    on conflict (symbol, timeframe) do update set timezone = excluded.timezone
    returning *`;
  const [row] = rows;
  if (row === undefined) throw new Fault('internal', 'Cannot create a series: no row came back');
  return row;
}

interface Comparison {
  total: number;
  same: number;
  other: number;
  firstAt: string | null;
  lastAt: string | null;
}

async function compare(sql: TransactionSql, seriesId: number): Promise<Comparison> {
  const rows = await sql<Comparison[]>`
    select count(*)::int as total, min(fresh.at) as first_at, max(fresh.at) as last_at,
      count(*) filter (where ${isSame(sql)})::int as same,
      count(*) filter (where stored.at is not null and not ${isSame(sql)})::int as other
    from import_bar as fresh
    left join bar as stored on stored.series_id = ${seriesId} and stored.at = fresh.at`;
  return rows[0] ?? { total: 0, same: 0, other: 0, firstAt: null, lastAt: null };
}

function isSame(sql: TransactionSql) {
  return sql`(
    stored.open = fresh.open and stored.high = fresh.high and stored.low = fresh.low
    and stored.close = fresh.close and stored.volume = fresh.volume)`;
}

async function conflictFault(
  sql: TransactionSql,
  request: ImportRequest,
  seriesId: number,
  count: number,
): Promise<Fault> {
  const rows = await sql<{ at: string; was: string; now: string }[]>`
    select fresh.at,
      concat_ws(' ', stored.open, stored.high, stored.low, stored.close, stored.volume) as was,
      concat_ws(' ', fresh.open, fresh.high, fresh.low, fresh.close, fresh.volume) as now
    from import_bar as fresh
    join bar as stored on stored.series_id = ${seriesId} and stored.at = fresh.at
    where not ${isSame(sql)} order by fresh.at limit 5`;
  const examples = rows.map((row) => `${row.at}: stored ${row.was}, new ${row.now}`);
  const bars = count === 1 ? '1 bar differs' : `${count} bars differ`;
  const message = `Cannot import ${request.symbol} ${request.timeframe}: ${bars} from what is stored (${examples[0]})`;
  return new Fault('conflict', message, {
    hint: 'import with --on-conflict replace (on_conflict=replace) to take the new values',
    details: { conflicts: count, examples },
  });
}

async function write(sql: TransactionSql, seriesId: number, overlaps: boolean): Promise<void> {
  await createPartitions(sql);
  await sql`
    insert into bar (series_id, at, open, high, low, close, volume)
    select ${seriesId}, at, open, high, low, close, volume from import_bar
    ${overlaps ? replacing(sql) : sql``}`;
}

function replacing(sql: TransactionSql) {
  return sql`
    on conflict (series_id, at) do update set
      open = excluded.open, high = excluded.high, low = excluded.low,
      close = excluded.close, volume = excluded.volume
    where (bar.open, bar.high, bar.low, bar.close, bar.volume)
      is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)`;
}

/** Only one import at a time makes partitions; any number will do, as long as all take the same one. */
const PARTITION_LOCK = 7_317_202_612n;

/**
 * Makes the years that are missing. Attached rather than created in place, since that locks out neither
 * those who read other bars nor those who write them.
 */
async function createPartitions(sql: TransactionSql): Promise<void> {
  if ((await missingYears(sql)).length === 0) return;
  await sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`;
  for (const year of await missingYears(sql)) {
    const name = `bar_${year}`;
    await sql`create table ${sql(name)} (like bar including all)`;
    await sql.unsafe(
      `alter table bar attach partition ${name} ` +
        `for values from ('${year}-01-01 00:00:00+00') to ('${year + 1}-01-01 00:00:00+00')`,
    );
  }
}

/** Looks into pg_class and not by to_regclass(), which may still remember what was missing before the lock. */
async function missingYears(sql: TransactionSql): Promise<number[]> {
  const rows = await sql<{ year: number }[]>`
    select year from (
      select distinct extract(year from at at time zone 'UTC')::int as year from import_bar
    ) as years
    where not exists (
      select 1 from pg_class where relname = 'bar_' || year and pg_table_is_visible(pg_class.oid)
    )
    order by year`;
  return rows.map((row) => row.year);
}

async function updateSeries(
  sql: TransactionSql,
  request: ImportRequest & { seriesId: number },
  inserted: number,
): Promise<SeriesRow> {
  const rows = await sql<SeriesRow[]>`
    update series set
      revision = revision + 1,
      bar_count = bar_count + ${inserted},
      first_at = least(first_at, (select min(at) from import_bar)),
      last_at = greatest(last_at, (select max(at) from import_bar)),
      source = ${request.source},
      updated_at = now()
    where series_id = ${request.seriesId}
    returning *`;
  const [row] = rows;
  if (row === undefined) throw new Fault('internal', 'Cannot update a series: it is gone');
  return row;
}
