import { Fault } from '#agent/kit/error';
import { assert } from '#agent/kit/assert';
import { toKtrdrMetrics } from '#agent/engine/backtest/ktrdr';
import { METRIC_NAMES } from '#agent/engine/backtest/metric-table';
import { COLLECT_METRICS_ONLY } from '#agent/engine/backtest/request';
import type { BacktestRequest } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import { COMBINATIONS_MAX } from './grid';
import type { SweepPlan } from './plan';
import type { BarRange, WalkForwardWindow } from './windows';

/**
 * The units of a walk forward: every combination in every window, window by window, so that a batch of
 * neighbours shares the window's bars and indicators. A unit is pure and knows nothing of the others:
 * it evaluates its combination on the training part and on the test part. Which combination a window
 * chooses is decided afterwards, from the training figures alone.
 */
export interface WalkForwardPlan {
  readonly unitCount: number;
  unitAt(unit: number): { window: number; parameters: ParameterValues };
}

/** Throws Fault `invalid` for more units than a sweep may have. */
export function planWalkForward(combinations: SweepPlan, windowCount: number): WalkForwardPlan {
  const { unitCount: perWindow } = combinations;
  const unitCount = perWindow * windowCount;
  if (unitCount > COMBINATIONS_MAX) {
    throw new Fault(
      'invalid',
      `Cannot walk forward with ${unitCount} units (${windowCount} windows of ${perWindow} combinations): the limit is ${COMBINATIONS_MAX}`,
      { hint: 'coarsen the steps of the grid, or lengthen the test part' },
    );
  }
  return {
    unitCount,
    unitAt(unit) {
      const window = Math.floor(unit / perWindow);
      return { window, parameters: combinations.parametersAt(unit - window * perWindow) };
    },
  };
}

/**
 * Evaluates a combination in a window: `train.<metric>` and `test.<metric>` for every metric, null in a
 * part of fewer than two bars; also `window` from 0, and where the parts lie (`train.from_ms`,
 * `test.to_ms` and so on: opens of their first and last bars).
 */
export type WindowEvaluator = (window: number, parameters: ParameterValues) => Record<string, number | null>;

type WalkForwardRequest = Omit<BacktestRequest, 'parameters' | 'firstBar' | 'collect'>;

/** Each part starts flat with the initial capital, and closes its last position at its last close. */
export function createWindowEvaluator(
  request: WalkForwardRequest,
  windows: readonly WalkForwardWindow[],
): WindowEvaluator {
  let current: { window: number; train: Part; test: Part } | undefined;
  const partsOf = (window: number): { train: Part; test: Part } => {
    if (current?.window === window) return current;
    const ranges = windows[window];
    assert(ranges !== undefined, `window ${window} is not within 0 to ${windows.length - 1}`);
    current = { window, train: partOf(request.bars, ranges.train), test: partOf(request.bars, ranges.test) };
    return current;
  };
  return (window, parameters) => {
    const { train, test } = partsOf(window);
    return {
      window,
      ...evaluate('train', train, { ...request, parameters }),
      ...evaluate('test', test, { ...request, parameters }),
    };
  };
}

/** All bars up to the end of a range: those before it warm indicators up, none after it exists. */
interface Part {
  readonly bars: Bars;
  readonly range: BarRange;
}

function partOf(bars: Bars, range: BarRange): Part {
  return { bars: sliceIndices(bars, 0, range.to), range };
}

function evaluate(
  name: 'train' | 'test',
  { bars, range }: Part,
  request: WalkForwardRequest & { parameters: ParameterValues },
): Record<string, number | null> {
  const isEmpty = range.to - range.from < 2;
  const metrics = isEmpty
    ? undefined
    : toKtrdrMetrics(
        runBacktest({ ...request, bars, firstBar: range.from, collect: COLLECT_METRICS_ONLY }).metrics,
      );
  const values: Record<string, number | null> = {
    [`${name}.from_ms`]: isEmpty ? null : timeMs(bars, range.from),
    [`${name}.to_ms`]: isEmpty ? null : timeMs(bars, range.to - 1),
  };
  for (const metric of METRIC_NAMES) values[`${name}.${metric}`] = metrics?.[metric] ?? null;
  return values;
}

function timeMs(bars: Bars, index: number): number {
  return Number((bars.time[index] as bigint) / 1000n);
}
