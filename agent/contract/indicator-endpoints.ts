import { z } from 'zod';
import { bySeriesSchema, instantSchema } from './data-endpoints';
import { endpoint } from './endpoint';
import { listOf, single } from './problem';

const none = z.object({});

/** One parameter of an indicator or a strategy, as help and forms show it. */
export const parameterSchema = z.object({
  name: z.string(),
  type: z.enum(['integer', 'number', 'boolean', 'string']),
  description: z.string(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  values: z.array(z.string()).optional(),
  default: z.union([z.number(), z.string(), z.boolean()]).optional(),
});

export const indicatorSchema = z.object({
  name: z.string(),
  description: z.string(),
  category: z.string(),
  /** Where its definition is published. */
  reference: z.string(),
  /** Columns of the bars that it reads; `source` is the one the request names. */
  inputs: z.array(z.string()),
  parameters: z.array(parameterSchema),
  /** What must hold between parameters, in words. */
  constraint: z.string().nullable(),
  /** The first is meant where nobody says which. */
  outputs: z.array(z.string()),
});
export type IndicatorDocument = z.infer<typeof indicatorSchema>;

/** Columns of an indicator beside the times of their bars; null in warm-up and where it is not defined. */
export const calculatedIndicatorSchema = z.object({
  symbol: z.string(),
  timeframe: z.string(),
  indicator: z.string(),
  parameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  source: z.string(),
  time: z.array(z.string()),
  outputs: z.record(z.string(), z.array(z.number().nullable())),
  /** Bars in the range, of which the last `limit` are answered. */
  bars_in_range: z.int(),
});
export type CalculatedIndicator = z.infer<typeof calculatedIndicatorSchema>;

export const indicatorEndpoints = {
  listIndicators: endpoint({
    method: 'get',
    path: '/indicators/',
    tag: 'indicators',
    summary: 'Every indicator with its parameters, outputs and the source of its definition',
    permission: 'read',
    params: none,
    query: z.object({ category: z.string().max(40).optional() }),
    body: z.undefined(),
    reply: listOf(indicatorSchema),
  }),
  listIndicatorCategories: endpoint({
    method: 'get',
    path: '/indicators/categories',
    tag: 'indicators',
    summary: 'The categories of indicators and what belongs to each',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: listOf(z.object({ category: z.string(), indicators: z.array(z.string()) })),
  }),
  calculateIndicator: endpoint({
    method: 'post',
    path: '/indicators/calculate',
    tag: 'indicators',
    summary: 'An indicator on stored bars: its last values in a range, warmed up by the bars before it',
    permission: 'read',
    params: none,
    query: none,
    body: bySeriesSchema
      .extend({
        indicator: z.string().min(1).max(100),
        parameters: z.record(z.string(), z.unknown()).default({}),
        source: z.enum(['open', 'high', 'low', 'close', 'volume']).default('close'),
        start: instantSchema.optional(),
        end: instantSchema.optional(),
        limit: z.int().min(1).max(50_000).default(1000),
      })
      .strict(),
    reply: single(calculatedIndicatorSchema),
  }),
};
