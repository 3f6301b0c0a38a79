import { z } from 'zod';
import type { Signals } from '#agent/engine/backtest/signals';
import type { GridAxis } from '#agent/engine/search/specification';
import type { Run } from '#agent/engine/strategy/expression/bound';
import { asColumn } from '#agent/engine/strategy/expression/functions';
import type { Truths } from '#agent/engine/strategy/expression/kernels';
import type { Constraint, ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import type { FinishedParameter } from './parameters-section';
import type { Rules } from './rules-section';

export interface RuleStrategyParts {
  readonly name: string;
  readonly description: string;
  readonly parameters: ReadonlyMap<string, FinishedParameter>;
  readonly constraint: Constraint | undefined;
  readonly rules: Rules;
  readonly historyRequired: number;
}

/** Rules as a strategy like any other. They see columns of values up to each bar, and no other. */
export function createRuleStrategy(parts: RuleStrategyParts): Strategy {
  const { name, description, parameters, constraint, rules, historyRequired } = parts;
  const shape = Object.fromEntries([...parameters].map(([key, { schema }]) => [key, schema]));
  const axes = [...parameters].flatMap(([key, { axis }]) =>
    axis === undefined ? [] : [[key, axis] as const],
  );
  const { reentry: _, ...columns } = rules;
  const everything = Object.values<Rules['enterLong'] | Rules['stop']>(columns).filter(
    (rule) => rule !== undefined,
  );
  const warmupBars = (values: ParameterValues): number =>
    Math.max(historyRequired, ...everything.map((rule) => rule.warmupBars(values)));
  return {
    name,
    description,
    parameters: z.strictObject(shape),
    grid: Object.fromEntries<GridAxis>(axes),
    ...(constraint === undefined ? {} : { constraint }),
    warmupBars,
    signals: (bars, values, cache) =>
      decide(rules, { bars, parameters: values, cache }, Math.min(bars.length, warmupBars(values))),
  };
}

function decide(rules: Rules, run: Run, warmupBars: number): Signals {
  const { length } = run.bars;
  const column = (rule: Rules['stop']): Float64Array | null =>
    rule === undefined ? null : asColumn(rule.evaluate(run), length);
  const stop = column(rules.stop);
  const target = column(rules.target);
  const trailing = column(rules.trailing);
  const size = column(rules.scale);
  const distances = [stop, target, trailing, size].filter((values) => values !== null);
  const entry = (rule: Rules['enterLong']): Uint8Array | null => {
    const wanted = rule?.surely(run) ?? false;
    return wanted === false ? null : allowedEntries(truthColumn(wanted, length), distances, warmupBars);
  };
  const exit = (rule: Rules['exitLong']): Uint8Array => truthColumn(rule?.surely(run) ?? false, length);
  const enterShort = entry(rules.enterShort);
  return {
    enterLong: entry(rules.enterLong) ?? new Uint8Array(length),
    exitLong: exit(rules.exitLong),
    enterShort,
    exitShort: enterShort === null ? null : exit(rules.exitShort),
    stop,
    target,
    trailing,
    size,
    reentry: rules.reentry,
  };
}

/**
 * No entry in the warm-up, and none where a stop, a target or a size that the file asks for has no value
 * above zero: a position that was to be protected is not entered without.
 */
function allowedEntries(
  wanted: Uint8Array,
  distances: readonly Float64Array[],
  warmupBars: number,
): Uint8Array {
  const early = wanted.indexOf(1);
  if (early === -1 || (early >= warmupBars && distances.length === 0)) return wanted;
  // The column may be an exit of the other side as well: what is changed is a copy.
  const allowed = wanted.slice();
  allowed.fill(0, 0, warmupBars);
  for (const distance of distances) {
    for (let bar = allowed.indexOf(1); bar !== -1; bar = allowed.indexOf(1, bar + 1)) {
      if (!((distance[bar] as number) > 0)) allowed[bar] = 0;
    }
  }
  return allowed;
}

function truthColumn(truths: Truths, length: number): Uint8Array {
  if (typeof truths !== 'boolean') return truths;
  return new Uint8Array(length).fill(truths ? 1 : 0);
}
