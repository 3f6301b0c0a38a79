import { z } from 'zod';
import { equityPointSchema, tradeSchema } from './backtest';
import { endpoint } from './endpoint';
import { operationIdSchema } from './operation';
import { listOf } from './problem';

/** Tables for people's own tools: JSON in pages, the others whole, streamed. */
export const EXPORT_FORMATS = ['json', 'csv', 'parquet'] as const;
export const exportFormatSchema = z.enum(EXPORT_FORMATS).default('json');
export type ExportFormat = z.output<typeof exportFormatSchema>;

/** Rows of an export, where they are known beforehand: what a progress bar counts to. */
export const ROW_COUNT_HEADER = 'x-total-count';

const byOperation = z.object({ operation_id: operationIdSchema });
/** `limit` and `offset` are of the JSON. */
const tableQuery = z.object({
  format: exportFormatSchema,
  limit: z.coerce.number().int().min(1).max(50_000).default(10_000),
  offset: z.coerce.number().int().min(0).max(10_000_000).default(0),
});

export const exportEndpoints = {
  listTrades: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/trades',
    tag: 'operations',
    summary: 'The trades of a completed backtest, in order of entry; also as CSV and Parquet',
    permission: 'read',
    params: byOperation,
    query: tableQuery,
    body: z.undefined(),
    reply: listOf(tradeSchema),
  }),
  listEquity: endpoint({
    method: 'get',
    path: '/operations/{operation_id}/equity',
    tag: 'operations',
    summary: 'The equity of a completed backtest at bar closes; also as CSV and Parquet',
    permission: 'read',
    params: byOperation,
    query: tableQuery,
    body: z.undefined(),
    reply: listOf(equityPointSchema),
  }),
};
