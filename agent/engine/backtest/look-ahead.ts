import { assert } from '#agent/kit/assert';
import { sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import { SIGNAL_COLUMNS } from './signals';
import type { Signals } from './signals';

export interface LookAhead {
  /** The bar whose decision changes … */
  bar: number;
  /** … when only this many bars exist. */
  cutoff: number;
}

/**
 * Takes the future away at each cutoff (a number of bars) and compares the decisions of the bars that
 * are left with those made on all bars: a strategy that reads ahead decides differently.
 * Returns the first difference, `undefined` for an honest strategy.
 */
export function findLookAhead(
  bars: Bars,
  rule: { strategy: Strategy; parameters: ParameterValues },
  cutoffs: Iterable<number>,
): LookAhead | undefined {
  const decide = (some: Bars): Signals =>
    rule.strategy.signals(some, rule.parameters, createIndicatorCache());
  const full = decide(bars);
  for (const cutoff of cutoffs) {
    assert(cutoff >= 0 && cutoff <= bars.length, `cutoff ${cutoff} is outside the ${bars.length} bars`);
    const bar = firstDifference(decide(sliceIndices(bars, 0, cutoff)), full, cutoff);
    if (bar < cutoff) return { bar, cutoff };
  }
  return undefined;
}

/** A column that is missing says what one of zeros, or of NaN, would: no signal, no distance, no size. */
function firstDifference(some: Signals, full: Signals, cutoff: number): number {
  let first = cutoff;
  for (const name of SIGNAL_COLUMNS) {
    const neutral = some[name] instanceof Uint8Array || full[name] instanceof Uint8Array ? 0 : NaN;
    for (let bar = 0; bar < first; bar++) {
      if (!Object.is(some[name]?.[bar] ?? neutral, full[name]?.[bar] ?? neutral)) first = bar;
    }
  }
  return first;
}
