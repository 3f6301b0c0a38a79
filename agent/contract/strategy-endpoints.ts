import { z } from 'zod';
import { endpoint } from './endpoint';
import { parameterSchema } from './indicator-endpoints';
import { listOf, single } from './problem';

const none = z.object({});
const scalar = z.union([z.number(), z.string(), z.boolean()]);
const axisSchema = z.union([
  z.object({ from: z.number(), to: z.number(), step: z.number() }),
  z.object({ values: z.array(scalar) }),
  scalar,
]);

/** A strategy with its parameters and what a sweep tries of each. */
export const strategySchema = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.array(parameterSchema),
  grid: z.record(z.string(), axisSchema),
  /** What must hold between parameters, in words. */
  constraint: z.string().nullable(),
});
export type StrategyDocument = z.infer<typeof strategySchema>;

/** What is wrong with a strategy file; an empty list of problems and `ok` when nothing is. */
export const strategyVerdictSchema = z.object({
  file: z.string(),
  ok: z.boolean(),
  error: z.string().nullable(),
  hint: z.string().nullable(),
  /** Lines and columns count from 1. */
  problems: z.array(
    z.object({ line: z.int(), column: z.int(), message: z.string(), hint: z.string().nullable() }),
  ),
  strategy: strategySchema.nullable(),
});
export type StrategyVerdict = z.infer<typeof strategyVerdictSchema>;

const byName = z.object({ name: z.string().min(1).max(100) });

export const strategyEndpoints = {
  listStrategies: endpoint({
    method: 'get',
    path: '/strategies/',
    tag: 'strategies',
    summary: 'The built-in strategies with their parameters and grids',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: listOf(strategySchema),
  }),
  getStrategy: endpoint({
    method: 'get',
    path: '/strategies/{name}',
    tag: 'strategies',
    summary: 'One built-in strategy',
    permission: 'read',
    params: byName,
    query: none,
    body: z.undefined(),
    reply: single(strategySchema),
  }),
  validateStrategy: endpoint({
    method: 'post',
    path: '/strategies/validate',
    tag: 'strategies',
    summary: 'Check the text of a strategy file; each mistake comes with its line and column',
    permission: 'read',
    params: none,
    query: none,
    body: z
      .object({ file_name: z.string().min(1).max(200).default('strategy.yaml'), text: z.string() })
      .strict(),
    reply: single(strategyVerdictSchema),
  }),
};
