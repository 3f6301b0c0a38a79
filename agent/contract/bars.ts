import { z } from 'zod';
import { timeframeSchema } from './timeframe';

/** One bar on the wire, for people and programs that want JSON; jobs get columns instead. */
export const barSchema = z.object({
  time: z.iso.datetime(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
});
export type Bar = z.infer<typeof barSchema>;

/** All bars of one symbol and timeframe. */
export const seriesSchema = z.object({
  symbol: z.string(),
  timeframe: timeframeSchema,
  bar_count: z.int(),
  first_bar_at: z.string().nullable(),
  last_bar_at: z.string().nullable(),
  /** Counts the imports that changed something. */
  revision: z.int(),
  source: z.string().nullable(),
  updated_at: z.string(),
});
export type Series = z.infer<typeof seriesSchema>;

/** Something a person should look at; nothing of it was repaired. */
export const qualityFindingSchema = z.object({
  kind: z.enum([
    'duplicate',
    'conflicting_duplicate',
    'hole',
    'impossible',
    'out_of_order',
    'off_grid',
    'possible_split',
    'ambiguous_time',
    'timezone_assumed',
    'column_ignored',
  ]),
  severity: z.enum(['info', 'warning', 'error']),
  count: z.int(),
  message: z.string(),
  examples: z.array(z.string()).max(5),
});
export type QualityFinding = z.infer<typeof qualityFindingSchema>;

export const importReportSchema = z.object({
  symbol: z.string(),
  timeframe: timeframeSchema,
  dry_run: z.boolean(),
  rows_read: z.int(),
  bars_inserted: z.int(),
  bars_unchanged: z.int(),
  bars_replaced: z.int(),
  first_bar_at: z.string().nullable(),
  last_bar_at: z.string().nullable(),
  timezone: z.string(),
  findings: z.array(qualityFindingSchema),
  series: seriesSchema.nullable(),
});
export type ImportReport = z.infer<typeof importReportSchema>;
