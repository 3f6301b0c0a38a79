import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { parseParameters } from '#agent/engine/strategy/parameters';
import type { ParameterValue, ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import type { GridAxis, GridSpecification } from './specification';

/** The cross product of the axes; a combination is addressed by a mixed-radix index, last axis fastest. */
export interface ParameterGrid {
  /** Searched parameters in the order of the strategy's schema, whatever order the user's JSON had. */
  readonly axes: readonly Axis[];
  readonly count: number;
  at(index: number): ParameterValues;
}

export interface Axis {
  readonly name: string;
  readonly values: readonly ParameterValue[];
}

/** Raw combinations one sweep may have, before a constraint removes some; also values of one axis. */
export const COMBINATIONS_MAX = 1_000_000;

/**
 * Without a specification (or with an empty one) the strategy's own grid is searched.
 * Throws Fault `invalid` for an unknown parameter, a value that the strategy refuses, or too many
 * combinations, which are counted and not enumerated.
 */
export function createGrid(
  strategy: Strategy,
  specification: GridSpecification = {},
  combinationsMax = COMBINATIONS_MAX,
): ParameterGrid {
  const chosen = Object.keys(specification).length === 0 ? strategy.grid : specification;
  checkNames(strategy, chosen);
  const names = Object.keys(strategy.parameters.shape).filter((name) => Object.hasOwn(chosen, name));
  const named = names.map((name) => ({ name, axis: chosen[name] as GridAxis }));
  const total = countCombinations(chosen);
  if (total > BigInt(combinationsMax)) throw tooMany(total, named, combinationsMax);
  const longest = named.find(({ axis }) => axisLength(axis) > COMBINATIONS_MAX);
  if (longest !== undefined) throw tooLong(longest);

  const axes = named.map(({ name, axis }) => ({ name, values: axisValues(strategy, name, axis) }));
  const defaults = strategy.parameters.parse({}) as ParameterValues;
  const count = Number(total);
  return {
    axes,
    count,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
        throw new RangeError(`grid index ${index} is not within 0 to ${count - 1}`);
      }
      const values: Record<string, ParameterValue | undefined> = { ...defaults };
      let rest = index;
      for (let i = axes.length - 1; i >= 0; i--) {
        const axis = axes[i] as Axis;
        values[axis.name] = axis.values[rest % axis.values.length];
        rest = Math.floor(rest / axis.values.length);
      }
      return values;
    },
  };
}

/** Exact, however large: nothing is enumerated. */
export function countCombinations(specification: GridSpecification): bigint {
  return Object.values(specification).reduce((product, axis) => product * BigInt(axisLength(axis)), 1n);
}

function axisLength(axis: GridAxis): number {
  if (typeof axis !== 'object') return 1;
  if ('values' in axis) return axis.values.length;
  if (axis.to < axis.from) return 0;
  // A range such as 0 to 1 by 0.1 must keep its end in spite of binary fractions.
  const steps = Math.floor((axis.to - axis.from) / axis.step + 1e-9);
  return Math.min(steps, Number.MAX_SAFE_INTEGER - 1) + 1;
}

function axisValues(strategy: Strategy, name: string, axis: GridAxis): ParameterValue[] {
  const values = listValues(name, axis);
  // The ends and one step decide for a whole range: limits are intervals, and wholeness is a lattice.
  const probes = isRange(axis) ? [0, 1, values.length - 1] : values.keys();
  for (const index of probes) {
    if (index >= values.length) continue;
    checkValue(strategy, name, values[index] as ParameterValue);
  }
  return values;
}

function listValues(name: string, axis: GridAxis): ParameterValue[] {
  if (typeof axis !== 'object') return [axis];
  if ('values' in axis) {
    if (new Set(axis.values).size === axis.values.length) return axis.values;
    throw new Fault('invalid', `Cannot sweep ${name}: its list holds a value twice`, {
      hint: 'list each value once',
    });
  }
  const length = axisLength(axis);
  if (length === 0) {
    throw new Fault('invalid', `Cannot sweep ${name}: its range ends at ${axis.to}, before ${axis.from}`, {
      hint: `swap the ends: ${name}=${axis.to}:${axis.from}:${axis.step}`,
    });
  }
  // Twelve digits: 0.1 + 2 · 0.1 shall be 0.3, as the user wrote it.
  return Array.from({ length }, (_, i) => Number((axis.from + i * axis.step).toPrecision(12)));
}

function isRange(axis: GridAxis): boolean {
  return typeof axis === 'object' && 'from' in axis;
}

function checkValue(strategy: Strategy, name: string, value: ParameterValue): void {
  // The constraint is about combinations: here one value is looked at by itself.
  const { constraint: _, ...unconstrained } = strategy;
  parseParameters(unconstrained, { [name]: value });
}

function checkNames(strategy: Strategy, specification: GridSpecification): void {
  const known = Object.keys(strategy.parameters.shape);
  for (const name of Object.keys(specification)) {
    if (known.includes(name)) continue;
    const suggestion = nearest(name, known);
    const takes = `${strategy.name} takes ${known.join(', ')}`;
    throw new Fault('invalid', `Cannot sweep ${strategy.name}: there is no parameter '${name}'`, {
      hint: suggestion === undefined ? takes : `did you mean '${suggestion}'? ${takes}`,
    });
  }
}

interface NamedAxis {
  name: string;
  axis: GridAxis;
}

function tooLong({ name, axis }: NamedAxis): Fault {
  const length = group(BigInt(axisLength(axis)));
  return new Fault(
    'invalid',
    `Cannot sweep ${name}: it has ${length} values, the limit is ${group(BigInt(COMBINATIONS_MAX))}`,
    { hint: 'coarsen its step' },
  );
}

function tooMany(total: bigint, named: readonly NamedAxis[], limit: number): Fault {
  const widest = named.reduce((a, b) => (axisLength(b.axis) > axisLength(a.axis) ? b : a));
  const lengths = named.map(({ name, axis }) => `${name} ${group(BigInt(axisLength(axis)))}`);
  return new Fault(
    'invalid',
    `Cannot sweep ${describeCount(total)} combinations: the limit is ${group(BigInt(limit))}`,
    {
      hint: `coarsen the steps, ${widest.name} first (values: ${lengths.join(', ')})`,
      details: { combinations: total.toString(), limit },
    },
  );
}

/** 10^12 for a power of ten that nobody would count, 2,500,000 otherwise, 3.1×10^20 beyond. */
function describeCount(count: bigint): string {
  const digits = count.toString();
  const exponent = digits.length - 1;
  if (exponent >= 9 && /^10*$/.test(digits)) return `10^${exponent}`;
  if (exponent < 15) return group(count);
  return `${digits[0]}.${digits[1]}×10^${exponent}`;
}

function group(count: bigint): string {
  return count.toString().replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
