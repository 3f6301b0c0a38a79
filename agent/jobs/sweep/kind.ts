import { z } from 'zod';
import type { JobKind } from '#agent/contract/kind';
import { METRIC_NAMES } from '#agent/engine/backtest/metric-table';
import { planSweep } from '#agent/engine/search/plan';
import type { SweepPlan } from '#agent/engine/search/plan';
import { gridSpecificationSchema } from '#agent/engine/search/specification';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { backtestFields, barsRequest, endsAfterStart } from '#agent/jobs/backtesting/request';
import { withAllowShort } from '#agent/jobs/backtesting/kind';

const HOUR_MS = 3_600_000;
/** Enough batches that many agents share the work evenly, and that a lost one costs little. */
const BATCHES_AIM = 64;
const UNITS_PER_BATCH_MAX = 500;

export const sweepRequestSchema = z
  .strictObject({
    ...backtestFields,
    grid: gridSpecificationSchema
      .default({})
      .describe('ranges {from, to, step} or {values} by parameter; without any the grid of the strategy'),
    rank_by: z.enum(METRIC_NAMES).default('sharpe_ratio').describe('metric that orders the results'),
  })
  .refine(endsAfterStart, { path: ['end_date'], message: 'must not be before start_date' });
export type SweepRequest = z.output<typeof sweepRequestSchema>;

/** Of one batch; the results of the units themselves are reported one by one. */
export const sweepResultSchema = z.object({
  units_evaluated: z.int().min(0),
  /** Those that had results before this attempt. */
  units_skipped: z.int().min(0),
});

export const sweepKind: JobKind = {
  name: 'sweep',
  description: 'Backtest every combination of a parameter grid, in batches over all workers',
  parameters: sweepRequestSchema,
  result: sweepResultSchema,
  priority: 3,
  lease: 'pure',
  attemptsMax: 3,
  timeoutMs: 2 * HOUR_MS,
  needs: () => ({ cores: 1, memoryBytes: 512 * 2 ** 20, gpu: 'none' }),
  bars: (parameters) => barsRequest(sweepRequestSchema.parse(parameters)),
  normalize(input) {
    const { allow_short, ...request } = sweepRequestSchema.parse(input);
    const strategy = strategyNamed(request.strategy_name);
    // An empty grid stands for the strategy's own: written out, so that a later version sweeps the same.
    const grid = Object.keys(request.grid).length === 0 ? strategy.grid : request.grid;
    return { ...request, grid: withAllowShort(grid, allow_short) };
  },
  split(parameters) {
    const units = sweepPlan(sweepRequestSchema.parse(parameters)).unitCount;
    const unitsPerBatch = Math.min(UNITS_PER_BATCH_MAX, Math.max(1, Math.ceil(units / BATCHES_AIM)));
    return { units, unitsPerBatch };
  },
  metadata(parameters) {
    const request = sweepRequestSchema.parse(parameters);
    return {
      symbol: request.symbol,
      timeframe: request.timeframe,
      strategy_name: request.strategy_name,
      start_date: request.start_date ?? null,
      end_date: request.end_date ?? null,
      grid: request.grid,
      rank_by: request.rank_by,
    };
  },
  summarize: (result) => result,
};

/** The same units in the same order on every host. Throws Fault `invalid` as `planSweep` does. */
export function sweepPlan(request: SweepRequest): SweepPlan {
  return planSweep(strategyNamed(request.strategy_name), request.grid);
}
