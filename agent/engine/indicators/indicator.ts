import { z } from 'zod';
import type { BarColumns, PriceSource } from '#agent/engine/bars';
import type { Constraint, ParameterValues } from '#agent/engine/strategy/strategy';
import { acrossGaps } from './gaps';

/** A function of the bars up to each bar, one column of values for each output. */
export interface Indicator {
  /** KTRDR's name. */
  readonly name: string;
  readonly description: string;
  readonly category: IndicatorCategory;
  /** Where the definition is published; begins with "TA-Lib NAME" where the values are TA-Lib's. */
  readonly reference: string;
  /** The columns it reads: `source` is the one the user chooses, the close unless told otherwise. */
  readonly inputs: readonly IndicatorInput[];
  /** Strict object schema; every key has a default or is optional, so `{}` is a valid input. */
  readonly parameters: z.ZodObject<z.ZodRawShape>;
  readonly constraint?: Constraint;
  /** Names of the columns; the first is meant where nobody says which. */
  readonly outputs: readonly [string, ...string[]];
  /** Bars before all outputs have a value, on gapless bars; what waits for an event may take longer. */
  warmupBars(parameters: ParameterValues): number;
  /**
   * Value t of every output is made from bars 0..t alone; NaN in warm-up and where the definition
   * divides by nothing. A bar with a value that is not finite is a gap: NaN there, and everything
   * starts afresh after it, warm-up included. `parameters` come from `parseParameters`.
   */
  compute(columns: IndicatorColumns, parameters: ParameterValues): IndicatorOutputs;
}

export const INDICATOR_CATEGORIES = [
  'trend',
  'momentum',
  'volatility',
  'volume',
  'support_resistance',
] as const;
export type IndicatorCategory = (typeof INDICATOR_CATEGORIES)[number];

export type IndicatorInput = PriceSource | 'source' | 'time';

/** Columns of equal length; only those that the indicator names as inputs are read. */
export interface IndicatorColumns extends BarColumns {
  readonly source: Float64Array;
  /** A column nobody uses, of the same length: an indicator may return one output in it, or leave it. */
  readonly spare?: Float64Array;
}

/** A column for each output, as long as the bars. Outputs may share a column; nobody writes to one. */
export type IndicatorOutputs = Readonly<Record<string, Float64Array>>;

/** An indicator as its author writes it, with parameters and outputs typed by their declaration. */
export interface IndicatorDeclaration<Shape extends z.ZodRawShape, Output extends string> {
  name: string;
  description: string;
  category: IndicatorCategory;
  reference: string;
  inputs: readonly IndicatorInput[];
  parameters: z.ZodObject<Shape>;
  constraint?: { description: string; holds(parameters: Parameters<Shape>): boolean };
  outputs: readonly [Output, ...Output[]];
  warmupBars(parameters: Parameters<Shape>): number;
  /** Sees finite values only: gaps are dealt with around it. */
  compute(columns: IndicatorColumns, parameters: Parameters<Shape>): Record<Output, Float64Array>;
}

type Parameters<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

/** Forgets the types of one declaration, so that all fit one registry, and lets it start afresh after gaps. */
export function defineIndicator<Shape extends z.ZodRawShape, const Output extends string>(
  declaration: IndicatorDeclaration<Shape, Output>,
): Indicator {
  // Sound because callers obtain ParameterValues only from parseParameters, through this very schema.
  const indicator = declaration as unknown as Indicator;
  return {
    ...indicator,
    compute: (columns, parameters) => acrossGaps(indicator, columns, parameters),
  };
}

/** The parameter that says how many bars an indicator looks at. */
export function barCount(fallback: number, meaning: string, minimum = 1) {
  return z.int().min(minimum).max(PERIOD_MAX).default(fallback).describe(meaning);
}

/** A factor on a deviation or a range. */
export function multiple(fallback: number, meaning: string) {
  return z.number().min(0.01).max(100).default(fallback).describe(meaning);
}

const PERIOD_MAX = 10_000;
