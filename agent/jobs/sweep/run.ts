import { toKtrdrMetrics } from '#agent/engine/backtest/ktrdr';
import { COLLECT_METRICS_ONLY } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import type { IndicatorCache } from '#agent/engine/indicators/cache';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { assert, present } from '#agent/kit/assert';
import { capitalOf, costsOf } from '#agent/jobs/backtesting/request';
import type { JobContext } from '#agent/jobs/job';
import { sweepPlan, sweepRequestSchema } from './kind';

/** Evaluates one batch: the units `[from, to)` that have no result yet. */
export async function runSweepJob(context: JobContext): Promise<Record<string, unknown>> {
  const request = sweepRequestSchema.parse(context.parameters);
  const { from, to, done } = present(context.units, 'the unit range of a sweep batch');
  const plan = sweepPlan(request);
  assert(to <= plan.unitCount, `units end at ${plan.unitCount}, the batch at ${to}`);
  const strategy = strategyNamed(request.strategy_name);
  const bars = await context.bars();
  const shared = {
    bars,
    strategy,
    costs: costsOf(request),
    capital: capitalOf(request),
    collect: COLLECT_METRICS_ONLY,
    cache: cacheOf(bars),
  };

  const finished = new Set(done);
  let processed = finished.size;
  const report = (): void => {
    const total = to - from;
    context.reportProgress({
      percentage: (100 * processed) / total,
      current_step: `backtesting ${strategy.name}`,
      items_processed: processed,
      items_total: total,
    });
  };
  report();
  for (let unit = from; unit < to; unit++) {
    if (finished.has(unit)) continue;
    const parameters = plan.parametersAt(unit);
    const { metrics } = runBacktest({ ...shared, parameters });
    context.emitUnit({ unit_index: unit, parameters, metrics: toKtrdrMetrics(metrics) });
    processed++;
    report();
    await context.breathe();
  }
  return { units_evaluated: processed - finished.size, units_skipped: finished.size };
}

/** A warm process runs many batches over the same mapped bars: what one computed, the next one uses. */
const caches = new WeakMap<Bars, IndicatorCache>();

function cacheOf(bars: Bars): IndicatorCache {
  const known = caches.get(bars);
  if (known !== undefined) return known;
  const cache = createIndicatorCache();
  caches.set(bars, cache);
  return cache;
}
