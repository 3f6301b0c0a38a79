import { z } from 'zod';
import { barSchema, importReportSchema, seriesSchema } from './bars';
import { endpoint } from './endpoint';
import { listOf, single } from './problem';
import { timeframeSchema } from './timeframe';

const none = z.object({});
const symbolSchema = z
  .string()
  .regex(/^[A-Za-z0-9^][A-Za-z0-9.^=\-/]{0,31}$/, 'a symbol has 1 to 32 letters, digits or . ^ = - /');
export const bySeriesSchema = z.object({ symbol: symbolSchema, timeframe: timeframeSchema });
export const instantSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
const range = z.object({ start: instantSchema.optional(), end: instantSchema.optional() });
const barsPage = z.object({
  limit: z.coerce.number().int().min(1).max(50_000).default(1000),
  order: z.enum(['asc', 'desc']).default('asc'),
});

/** Largest import in one request: about 20 million bars. */
export const IMPORT_BYTES_MAX = 1024 * 1024 * 1024;

export const dataEndpoints = {
  importBars: endpoint({
    method: 'post',
    path: '/data/import',
    tag: 'data',
    summary: 'Stream a CSV of bars in; all or nothing, with a quality report',
    permission: 'run',
    params: none,
    query: bySeriesSchema.extend({
      timezone: z.string().max(64).optional(),
      source: z.string().max(200).optional(),
      on_conflict: z.enum(['reject', 'replace']).default('reject'),
      on_bad: z.enum(['reject', 'keep']).default('reject'),
      dry_run: z.stringbool().default(false),
    }),
    body: z.undefined(),
    reply: single(importReportSchema),
    upload: 'text/csv',
    bodyBytesMax: IMPORT_BYTES_MAX,
  }),
  getDataInfo: endpoint({
    method: 'get',
    path: '/data/info',
    tag: 'data',
    summary: 'Every stored series with its extent and freshness',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: listOf(seriesSchema),
  }),
  listSymbols: endpoint({
    method: 'get',
    path: '/data/symbols',
    tag: 'data',
    summary: 'Symbols that have bars',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: listOf(z.string()),
  }),
  listTimeframes: endpoint({
    method: 'get',
    path: '/data/timeframes',
    tag: 'data',
    summary: 'Timeframes that the product knows',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: listOf(z.string()),
  }),
  getBars: endpoint({
    method: 'get',
    path: '/data/{symbol}/{timeframe}',
    tag: 'data',
    summary: 'Bars of a range; `aggregate` gives them in a higher timeframe',
    permission: 'read',
    params: bySeriesSchema,
    query: range.extend(barsPage.shape).extend({ aggregate: timeframeSchema.optional() }),
    body: z.undefined(),
    reply: listOf(barSchema),
  }),
  exportBars: endpoint({
    method: 'get',
    path: '/data/{symbol}/{timeframe}/export',
    tag: 'data',
    summary: 'All bars of a range as one file, streamed; the CSV is what an import reads, to the bit',
    permission: 'read',
    params: bySeriesSchema,
    query: range.extend({ format: z.enum(['csv', 'parquet']).default('csv') }),
    body: z.undefined(),
    reply: z.unknown(),
    media: 'table',
  }),
  rangeBars: endpoint({
    method: 'post',
    path: '/data/range',
    tag: 'data',
    summary: 'Bars of a range, as KTRDR asks for them',
    permission: 'read',
    params: none,
    query: none,
    body: bySeriesSchema
      .extend({ start_date: instantSchema.optional(), end_date: instantSchema.optional() })
      .strict(),
    reply: listOf(barSchema),
  }),
  getBarsFile: endpoint({
    method: 'get',
    path: '/data/files/{data_hash}',
    tag: 'data',
    summary: 'The pinned bars of an operation as one Arrow IPC file; immutable, the ETag is its data hash',
    permission: 'agent',
    params: z.object({ data_hash: z.string().regex(/^[0-9a-f]{64}$/) }),
    query: none,
    body: z.undefined(),
    reply: z.unknown(),
    media: 'arrow',
  }),
};
