import { Fault } from '#agent/kit/error';
import { seededRng } from '#agent/kit/rng';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import { COMBINATIONS_MAX, createGrid } from './grid';
import type { ParameterGrid } from './grid';
import { validUnits } from './plan';
import type { SweepPlan } from './plan';
import type { GridSpecification, RandomSpecification } from './specification';

/** A random search may draw from more combinations than a sweep could try, since it lists none of them. */
export const DRAWN_FROM_MAX = 1_000_000_000;
/** Draws for each sample wanted, before a constraint that hardly anything satisfies ends the search. */
const DRAWS_PER_SAMPLE_MAX = 1000;

/**
 * `samples` different valid combinations of a grid, all equally likely, numbered in grid order. The
 * same on every host for the same strategy, specification and seed. With as many samples as there are
 * combinations it is the grid. Throws Fault `invalid` as `planSweep` does, and for more samples than
 * there are valid combinations.
 */
export function planRandom(
  strategy: Strategy,
  specification: GridSpecification | undefined,
  { samples, seed }: Omit<RandomSpecification, 'method'>,
): SweepPlan {
  const grid = createGrid(strategy, specification, DRAWN_FROM_MAX);
  const drawn =
    grid.count <= COMBINATIONS_MAX
      ? sampleListed(strategy, grid, { samples, seed })
      : sampleUnlisted(strategy, grid, { samples, seed });
  // In grid order neighbours share indicators, and no unit depends on the order of the draws.
  const units = drawn.toSorted();
  return {
    axes: grid.axes,
    rawCount: grid.count,
    unitCount: units.length,
    parametersAt(unit): ParameterValues {
      const raw = units[unit];
      if (raw === undefined) throw new RangeError(`unit ${unit} is not within 0 to ${units.length - 1}`);
      return grid.at(raw);
    },
  };
}

interface Draw {
  samples: number;
  seed: number;
}

/** The first steps of a Fisher–Yates shuffle of the valid combinations. */
function sampleListed(strategy: Strategy, grid: ParameterGrid, { samples, seed }: Draw): Uint32Array {
  const valid = validUnits(strategy, grid) ?? Uint32Array.from({ length: grid.count }, (_, index) => index);
  if (samples > valid.length) throw tooFew(strategy, samples, valid.length);
  const rng = seededRng(seed);
  for (let i = 0; i < samples; i++) {
    const j = i + rng.below(valid.length - i);
    const chosen = valid[j] as number;
    valid[j] = valid[i] as number;
    valid[i] = chosen;
  }
  return valid.slice(0, samples);
}

/** Draws until there are enough, without what is drawn twice or does not satisfy the constraint. */
function sampleUnlisted(strategy: Strategy, grid: ParameterGrid, { samples, seed }: Draw): Uint32Array {
  const rng = seededRng(seed);
  const chosen = new Set<number>();
  for (let draws = 0; chosen.size < samples; draws++) {
    if (draws >= DRAWS_PER_SAMPLE_MAX * samples) throw tooFew(strategy, samples, chosen.size);
    const index = rng.below(grid.count);
    if (strategy.constraint?.holds(grid.at(index)) ?? true) chosen.add(index);
  }
  return Uint32Array.from(chosen);
}

function tooFew(strategy: Strategy, samples: number, found: number): Fault {
  const rule = strategy.constraint === undefined ? '' : ` with ${strategy.constraint.description}`;
  return new Fault(
    'invalid',
    `Cannot draw ${samples} combinations of ${strategy.name}: the grid has ${found}${rule}`,
    { hint: found === 0 ? 'widen the ranges' : `widen the ranges, or draw at most ${found}` },
  );
}
