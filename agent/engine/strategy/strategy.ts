import type { z } from 'zod';
import type { Bars } from '#agent/engine/bars';
import { signalsOfTargets } from '#agent/engine/backtest/signals';
import type { Signals } from '#agent/engine/backtest/signals';
import type { IndicatorCache } from '#agent/engine/indicators/cache';
import type { GridSpecification } from '#agent/engine/search/specification';

export type ParameterValue = number | string | boolean;
/** Parameters of a strategy by name (snake_case), after validation and with defaults filled in. */
export type ParameterValues = Readonly<Record<string, ParameterValue | undefined>>;

/** A trading rule: a pure function from bars and parameters to what is decided at each close. */
export interface Strategy {
  readonly name: string;
  readonly description: string;
  /** Strict object schema; every key has a default or is optional, so `{}` is a valid input. */
  readonly parameters: z.ZodObject<z.ZodRawShape>;
  /** What a sweep searches when the user names no ranges. */
  readonly grid: GridSpecification;
  /** A relation between parameters that no schema of one key can say. */
  readonly constraint?: Constraint;
  /** Bars before the first decision that may differ from flat. */
  warmupBars(parameters: ParameterValues): number;
  /** Entry t of each column may read bars 0..t only. `parameters` come from `parseParameters`. */
  signals(bars: Bars, parameters: ParameterValues, cache: IndicatorCache): Signals;
}

export interface Constraint {
  /** In words, for errors and help: "fast < slow". */
  readonly description: string;
  holds(parameters: ParameterValues): boolean;
}

/** A strategy as its author writes it, with parameters typed by their schema. */
export type StrategyDeclaration<Shape extends z.ZodRawShape> = DeclaredParts<Shape> &
  (DecidesSignals<Shape> | WantsTargets<Shape>);

interface DeclaredParts<Shape extends z.ZodRawShape> {
  name: string;
  description: string;
  parameters: z.ZodObject<Shape>;
  grid: GridSpecification;
  constraint?: { description: string; holds(parameters: Parameters<Shape>): boolean };
  warmupBars(parameters: Parameters<Shape>): number;
}

interface DecidesSignals<Shape extends z.ZodRawShape> {
  signals(bars: Bars, parameters: Parameters<Shape>, cache: IndicatorCache): Signals;
}

interface WantsTargets<Shape extends z.ZodRawShape> {
  /** The position wanted at the close of each bar: 1 long, 0 flat, −1 short. */
  targets(this: void, bars: Bars, parameters: Parameters<Shape>, cache: IndicatorCache): Int8Array;
}

type Parameters<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

/** Forgets the parameter types of one strategy, so that all of them fit one registry. */
export function defineStrategy<Shape extends z.ZodRawShape>(
  declaration: StrategyDeclaration<Shape>,
): Strategy {
  // Sound because callers obtain ParameterValues only from parseParameters, through this very schema.
  if ('signals' in declaration) return declaration as unknown as Strategy;
  const { targets, ...parts } = declaration;
  const signals: DecidesSignals<Shape>['signals'] = (...decision) => signalsOfTargets(targets(...decision));
  return { ...parts, signals } as unknown as Strategy;
}
