import type { StrategyDocument } from '#agent/contract/strategy-endpoints';
import { describeParameters } from './parameters';
import type { Strategy } from './strategy';

/** A strategy as API and command line show it. */
export function describeStrategy(strategy: Strategy): StrategyDocument {
  const { name, description, grid, constraint } = strategy;
  const parameters = describeParameters(strategy).map(({ values, ...parameter }) => ({
    ...parameter,
    ...(values === undefined ? {} : { values: [...values] }),
  }));
  return { name, description, parameters, grid: { ...grid }, constraint: constraint?.description ?? null };
}
