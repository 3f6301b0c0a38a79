import { Fault } from '#agent/kit/error';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import { createGrid } from './grid';
import type { Axis, ParameterGrid } from './grid';
import type { GridSpecification } from './specification';

/**
 * The units of a sweep: the combinations of a grid that satisfy the strategy's constraint, numbered
 * 0 to unitCount − 1 in grid order. The same on every host for the same strategy and specification.
 */
export interface SweepPlan {
  readonly axes: readonly Axis[];
  readonly rawCount: number;
  readonly unitCount: number;
  parametersAt(unit: number): ParameterValues;
}

/** Throws Fault `invalid` as `createGrid` does, and when no combination is left. */
export function planSweep(strategy: Strategy, specification?: GridSpecification): SweepPlan {
  const grid = createGrid(strategy, specification);
  const units = validUnits(strategy, grid);
  const unitCount = units?.length ?? grid.count;
  if (unitCount === 0) {
    const rule = strategy.constraint?.description ?? 'its constraint';
    throw new Fault(
      'invalid',
      `Cannot sweep ${strategy.name}: none of ${grid.count} combinations has ${rule}`,
      {
        hint: `choose ranges in which ${rule} can hold`,
      },
    );
  }
  return {
    axes: grid.axes,
    rawCount: grid.count,
    unitCount,
    parametersAt(unit) {
      if (units === undefined) return grid.at(unit);
      const raw = units[unit];
      if (raw === undefined) throw new RangeError(`unit ${unit} is not within 0 to ${unitCount - 1}`);
      return grid.at(raw);
    },
  };
}

/** Grid indices that satisfy the constraint, ascending; undefined when there is none to satisfy. */
export function validUnits(strategy: Strategy, grid: ParameterGrid): Uint32Array | undefined {
  const { constraint } = strategy;
  if (constraint === undefined) return undefined;
  const units = new Uint32Array(grid.count);
  let count = 0;
  for (let index = 0; index < grid.count; index++) {
    if (constraint.holds(grid.at(index))) units[count++] = index;
  }
  return units.slice(0, count);
}
