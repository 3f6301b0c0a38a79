import { toKtrdrMetrics } from '#agent/engine/backtest/ktrdr';
import { COLLECT_METRICS_ONLY } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { createScratch } from '#agent/engine/backtest/scratch';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import type { IndicatorCache } from '#agent/engine/indicators/cache';
import { createWindowEvaluator, planWalkForward } from '#agent/engine/search/walk-forward';
import { windowsOf } from '#agent/engine/search/windows';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import { assert, present } from '#agent/kit/assert';
import { strategyOf } from '#agent/jobs/backtesting/strategy';
import { tradingOf } from '#agent/jobs/backtesting/trading';
import type { JobContext } from '#agent/jobs/job';
import { extentOf, sweepPlan, sweepRequestSchema } from './kind';
import type { SweepRequest } from './kind';

/** Evaluates one batch: the units `[from, to)` that have no result yet. */
export async function runSweepJob(context: JobContext): Promise<Record<string, unknown>> {
  const request = sweepRequestSchema.parse(context.parameters);
  const { from, to, done } = present(context.units, 'the unit range of a sweep batch');
  const strategy = strategyOf(request);
  const units = unitsOf(request, strategy, await context.bars());
  assert(to <= units.count, `units end at ${units.count}, the batch at ${to}`);

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
    context.emitUnit({ unit_index: unit, ...units.evaluate(unit) });
    processed++;
    report();
    await context.breathe();
  }
  return { units_evaluated: processed - finished.size, units_skipped: finished.size };
}

interface UnitFigures {
  parameters: ParameterValues;
  metrics: Record<string, number | null>;
}

interface SweepUnits {
  count: number;
  evaluate(unit: number): UnitFigures;
}

/** A unit of a grid or a sample is one backtest; of a walk forward two, on the parts of its window. */
function unitsOf(request: SweepRequest, strategy: Strategy, bars: Bars): SweepUnits {
  const plan = sweepPlan(request, strategy);
  const shared = {
    bars,
    strategy,
    ...tradingOf(request),
    cache: cacheOf(bars),
    scratch: createScratch(),
  };
  if (request.search.method !== 'walk_forward') {
    return {
      count: plan.unitCount,
      evaluate(unit) {
        const parameters = plan.parametersAt(unit);
        const { metrics } = runBacktest({ ...shared, parameters, collect: COLLECT_METRICS_ONLY });
        return { parameters, metrics: toKtrdrMetrics(metrics) };
      },
    };
  }
  const windows = windowsOf(request.search, extentOf(request, bars.length), bars);
  const walk = planWalkForward(plan, windows.length);
  const evaluate = createWindowEvaluator(shared, windows);
  return {
    count: walk.unitCount,
    evaluate(unit) {
      const { window, parameters } = walk.unitAt(unit);
      return { parameters, metrics: evaluate(window, parameters) };
    },
  };
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
