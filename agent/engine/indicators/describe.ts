import type { IndicatorDocument } from '#agent/contract/indicator-endpoints';
import { describeParameters } from '#agent/engine/strategy/parameters';
import type { Indicator } from './indicator';

/** An indicator as API and command line show it. */
export function describeIndicator(indicator: Indicator): IndicatorDocument {
  const { name, description, category, reference, inputs, constraint, outputs } = indicator;
  const parameters = describeParameters(indicator).map(({ values, ...parameter }) => ({
    ...parameter,
    ...(values === undefined ? {} : { values: [...values] }),
  }));
  return {
    name,
    description,
    category,
    reference,
    inputs: [...inputs],
    parameters,
    constraint: constraint?.description ?? null,
    outputs: [...outputs],
  };
}
