import { z } from 'zod';
import type { JobKind } from '#agent/contract/kind';
import { METRIC_NAMES } from '#agent/engine/backtest/metric-table';
import { COMBINATIONS_MAX, createGrid } from '#agent/engine/search/grid';
import { planSweep } from '#agent/engine/search/plan';
import type { SweepPlan } from '#agent/engine/search/plan';
import { DRAWN_FROM_MAX, planRandom } from '#agent/engine/search/random';
import {
  gridSpecificationSchema,
  SEARCH_GRID,
  searchSpecificationSchema,
} from '#agent/engine/search/specification';
import { planWalkForward } from '#agent/engine/search/walk-forward';
import type { Extent } from '#agent/engine/search/windows';
import { countWindows } from '#agent/engine/search/windows';
import { backtestFields, barsRequest, endsAfterStart } from '#agent/jobs/backtesting/request';
import { withAllowShort } from '#agent/jobs/backtesting/kind';
import { STRATEGY_ONCE, strategyMetadata, strategyOf, strategyOnce } from '#agent/jobs/backtesting/strategy';
import { SIZES_TWICE, sizesOnce } from '#agent/jobs/backtesting/trading';

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
    search: searchSpecificationSchema
      .default(SEARCH_GRID)
      .describe('all of the grid, a random sample of it, or a walk forward through time'),
    rank_by: z
      .enum(METRIC_NAMES)
      .default('sharpe_ratio')
      .describe('metric that orders the results, and that a walk forward chooses by'),
  })
  .refine(strategyOnce, { path: ['strategy_name'], message: STRATEGY_ONCE })
  .refine(endsAfterStart, { path: ['end_date'], message: 'must not be before start_date' })
  .refine(sizesOnce, { path: ['position_quantity'], message: SIZES_TWICE });
export type SweepRequest = z.output<typeof sweepRequestSchema>;

/** Of one batch; the results of the units themselves are reported one by one. */
export const sweepResultSchema = z.object({
  units_evaluated: z.int().min(0),
  /** Those that had results before this attempt. */
  units_skipped: z.int().min(0),
});

export const sweepKind: JobKind = {
  name: 'sweep',
  description: 'Backtest the combinations of a parameter grid, in batches over all workers',
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
    const strategy = strategyOf(request);
    // An empty grid stands for the strategy's own: written out, so that a later version sweeps the same.
    const grid = Object.keys(request.grid).length === 0 ? strategy.grid : request.grid;
    const searched = { ...request, grid: withAllowShort(grid, allow_short) };
    // Counts without enumerating: what is far too large is refused before any bar is read.
    createGrid(
      strategy,
      searched.grid,
      request.search.method === 'random' ? DRAWN_FROM_MAX : COMBINATIONS_MAX,
    );
    return searched;
  },
  split(parameters, bars) {
    const units = countUnits(sweepRequestSchema.parse(parameters), bars?.bar_count ?? 0);
    const unitsPerBatch = Math.min(UNITS_PER_BATCH_MAX, Math.max(1, Math.ceil(units / BATCHES_AIM)));
    return { units, unitsPerBatch };
  },
  metadata(parameters) {
    const request = sweepRequestSchema.parse(parameters);
    return {
      symbol: request.symbol,
      timeframe: request.timeframe,
      ...strategyMetadata(request),
      start_date: request.start_date ?? null,
      end_date: request.end_date ?? null,
      grid: request.grid,
      search: request.search,
      rank_by: request.rank_by,
    };
  },
  summarize: (result) => result,
};

/**
 * The combinations of a sweep; a walk forward tries them in each window. The same in the same order on
 * every host. Throws Fault `invalid` as `planSweep` and `planRandom` do.
 */
export function sweepPlan(request: SweepRequest, strategy = strategyOf(request)): SweepPlan {
  const { grid, search } = request;
  return search.method === 'random' ? planRandom(strategy, grid, search) : planSweep(strategy, grid);
}

export function extentOf(request: SweepRequest, barCount: number): Extent {
  const { start, end } = barsRequest(request);
  return { barCount, start, end };
}

function countUnits(request: SweepRequest, barCount: number): number {
  const plan = sweepPlan(request);
  if (request.search.method !== 'walk_forward') return plan.unitCount;
  return planWalkForward(plan, countWindows(request.search, extentOf(request, barCount))).unitCount;
}
