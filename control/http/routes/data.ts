import { createHash } from 'node:crypto';
import type { Bar, ImportReport } from '#agent/contract/bars';
import { IMPORT_BYTES_MAX } from '#agent/contract/data-endpoints';
import { TIMEFRAMES } from '#agent/contract/timeframe';
import { importBars as readCsv, type BarsImportSummary } from '#agent/engine/bars-import/import-bars';
import { present } from '#agent/kit/assert';
import { limited } from '#control/http/body';
import type { ControlContext } from '#control/http/context';
import { barsTable } from '#control/http/exports/bars-table';
import type { Handlers } from '#control/http/route';
import { timeRange } from '#control/http/time-range';
import { readAggregate, readBars, type BarsQuery } from '#control/store/bars';
import { importBars, type ImportOutcome } from '#control/store/import-bars';
import { instantOfMicros } from '#control/store/instant';
import type { StoredColumns } from '#control/store/packed-bars';
import { listSeries, listSymbols, seriesOf } from '#control/store/series';

type DataHandlers = Pick<
  Handlers,
  | 'importBars'
  | 'getDataInfo'
  | 'listSymbols'
  | 'listTimeframes'
  | 'getBars'
  | 'exportBars'
  | 'rangeBars'
  | 'getBarsFile'
>;

/** Bars in one answer of `POST /data/range`, which has no pages. */
const RANGE_BARS_MAX = 50_000;

export function dataHandlers(context: ControlContext): DataHandlers {
  const { database, log } = context;
  return {
    async importBars({ query, request }) {
      const report = await importCsv(context, query, limited(request, IMPORT_BYTES_MAX));
      log.info('bars imported', {
        symbol: query.symbol,
        timeframe: query.timeframe,
        inserted: report.bars_inserted,
        replaced: report.bars_replaced,
        dry_run: report.dry_run,
      });
      return { success: true, data: report };
    },

    async getDataInfo() {
      const data = (await listSeries(database.sql)).map(seriesOf);
      return { success: true, data, total_count: data.length, active_count: data.length };
    },

    async listSymbols() {
      const data = await listSymbols(database.sql);
      return { success: true, data, total_count: data.length, active_count: data.length };
    },

    listTimeframes() {
      const data = [...TIMEFRAMES];
      return Promise.resolve({ success: true, data, total_count: data.length, active_count: data.length });
    },

    async getBars({ params, query }) {
      const range: BarsQuery = {
        ...params,
        ...timeRange(query.start, query.end),
        limit: query.limit,
        order: query.order,
      };
      const columns =
        query.aggregate === undefined
          ? await readBars(database, range)
          : await readAggregate(database, { ...range, aggregate: query.aggregate });
      return barsReply(columns);
    },

    async exportBars({ params, query }) {
      return await barsTable(database, { ...params, ...timeRange(query.start, query.end) }, query.format);
    },

    async rangeBars({ body }) {
      const { symbol, timeframe } = body;
      const range = timeRange(body.start_date, body.end_date);
      return barsReply(await readBars(database, { symbol, timeframe, ...range, limit: RANGE_BARS_MAX }));
    },

    async getBarsFile({ params, request }) {
      const etag = `"${params.data_hash}"`;
      if (request.headers.get('if-none-match') === etag)
        return new Response(null, { status: 304, headers: { etag } });
      const path = await context.barsFiles.path(params.data_hash);
      return new Response(Bun.file(path), {
        headers: {
          'content-type': 'application/vnd.apache.arrow.file',
          'cache-control': 'private, max-age=31536000, immutable',
          etag,
        },
      });
    },
  };
}

type ImportQuery = Parameters<DataHandlers['importBars']>[0]['query'];

/** Parses and stores in one go: the transaction ends with the last line, or nothing was written. */
async function importCsv(
  { database }: ControlContext,
  query: ImportQuery,
  body: AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const read: { summary?: BarsImportSummary } = {};
  const bytes = createHash('sha256');
  const rows = untilSummary(readCsv(tee(body, bytes), { ...query, onBad: query.on_bad }), (summary) => {
    read.summary = summary;
  });
  const summary = (): BarsImportSummary => present(read.summary, 'the summary of an import');
  const outcome = await importBars(
    database,
    {
      symbol: query.symbol,
      timeframe: query.timeframe,
      source: query.source ?? null,
      onConflict: query.on_conflict,
      dryRun: query.dry_run,
    },
    {
      rows,
      timezone: () => summary().timezone,
      report: (result) => ({ ...reportOf(query, summary(), result), source_sha256: bytes.digest('hex') }),
    },
  );
  return reportOf(query, summary(), outcome);
}

function reportOf(query: ImportQuery, summary: BarsImportSummary, outcome: ImportOutcome): ImportReport {
  return {
    symbol: query.symbol,
    timeframe: query.timeframe,
    dry_run: query.dry_run,
    rows_read: summary.rowsRead,
    bars_inserted: outcome.inserted,
    bars_unchanged: outcome.unchanged,
    bars_replaced: outcome.replaced,
    first_bar_at: outcome.firstAt,
    last_bar_at: outcome.lastAt,
    timezone: summary.timezone,
    findings: summary.findings,
    series: outcome.series === null ? null : seriesOf(outcome.series),
  };
}

/** The chunks of a reader; its return value goes to `onEnd`. */
async function* untilSummary(
  chunks: AsyncGenerator<StoredColumns, BarsImportSummary, undefined>,
  onEnd: (summary: BarsImportSummary) => void,
): AsyncGenerator<StoredColumns> {
  onEnd(yield* chunks);
}

async function* tee(
  body: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
}

function barsReply({ time, open, high, low, close, volume }: StoredColumns) {
  const data: Bar[] = [];
  for (const [index, us] of time.entries()) {
    data.push({
      time: instantOfMicros(us),
      open: open[index] ?? Number.NaN,
      high: high[index] ?? Number.NaN,
      low: low[index] ?? Number.NaN,
      close: close[index] ?? Number.NaN,
      volume: volume[index] ?? Number.NaN,
    });
  }
  return { success: true as const, data, total_count: data.length, active_count: data.length };
}
