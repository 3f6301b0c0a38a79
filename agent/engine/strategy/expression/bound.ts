import type { Bars } from '#agent/engine/bars';
import type { IndicatorCache } from '#agent/engine/indicators/cache';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import type { Numbers, Truths } from './kernels';
import type { Span } from './syntax';

/** One evaluation: the rules of a strategy on one series with one set of parameters. */
export interface Run {
  readonly bars: Bars;
  readonly parameters: ParameterValues;
  readonly cache: IndicatorCache;
}

/** An expression whose names and types are settled, compiled to closures over whole columns. */
export type Bound = BoundNumber | BoundCondition;

interface BoundParts extends Span {
  /** The same for the same definition, names of indicators written out. */
  readonly key: string;
  /** Names of the parameters that it depends on. */
  readonly parameters: ReadonlySet<string>;
  /** Bars before it has a value, on gapless bars. */
  warmupBars(parameters: ParameterValues): number;
}

export interface BoundNumber extends BoundParts {
  readonly type: 'number';
  evaluate(run: Run): Numbers;
}

/**
 * A condition is true, false or, where an operand is NaN, unknown. Both ends are columns of their own,
 * so that `not` of what is unknown is no signal either.
 */
export interface BoundCondition extends BoundParts {
  readonly type: 'condition';
  surely(run: Run): Truths;
  surelyNot(run: Run): Truths;
}

/** What names mean where an expression stands. */
export interface Scope {
  readonly parameters: ReadonlyMap<string, ParameterSlot>;
  readonly indicators: ReadonlyMap<string, IndicatorSlot>;
  /** False where there are no bars: in constraints. */
  readonly bars: boolean;
}

export interface ParameterSlot {
  readonly type: 'number' | 'boolean' | 'string';
  /** Notes that it is used, and what it must be there. */
  use(domain?: ParameterDomain): void;
}

export interface ParameterDomain {
  readonly whole: boolean;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
}

export interface IndicatorSlot {
  readonly key: string;
  readonly outputs: readonly string[];
  readonly parameters: ReadonlySet<string>;
  warmupBars(parameters: ParameterValues): number;
  column(run: Run, output: string | undefined): Float64Array;
}
