import { ema } from './ema';
import { rsi } from './rsi';
import { sma } from './sma';
import { wma } from './wma';

/**
 * `source` → a column of equal length, NaN in warm-up. `out`, when given, is written and returned;
 * it must be as long as `source` and must not be it.
 */
export type Indicator = (source: Float64Array, period: number, out?: Float64Array) => Float64Array;

/** Every indicator by its KTRDR name, in alphabetical order. */
export const INDICATORS = { ema, rsi, sma, wma } as const satisfies Record<string, Indicator>;

export type IndicatorName = keyof typeof INDICATORS;

export const INDICATOR_NAMES = Object.keys(INDICATORS) as readonly IndicatorName[];
