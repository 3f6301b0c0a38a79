import { assert } from '#agent/kit/assert';
import { sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';

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
  const decide = (some: Bars): Int8Array =>
    rule.strategy.targets(some, rule.parameters, createIndicatorCache());
  const full = decide(bars);
  for (const cutoff of cutoffs) {
    assert(cutoff >= 0 && cutoff <= bars.length, `cutoff ${cutoff} is outside the ${bars.length} bars`);
    const targets = decide(sliceIndices(bars, 0, cutoff));
    const bar = targets.findIndex((target, index) => target !== full[index]);
    if (bar !== -1) return { bar, cutoff };
  }
  return undefined;
}
