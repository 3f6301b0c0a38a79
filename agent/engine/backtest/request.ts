import type { Bars } from '#agent/engine/bars';
import type { IndicatorCache } from '#agent/engine/indicators/cache';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';
import type { Scratch } from './scratch';

export interface BacktestRequest {
  bars: Bars;
  strategy: Strategy;
  /** From `parseParameters`. */
  parameters: ParameterValues;
  costs?: Costs;
  capital?: Capital;
  /** Without it a position takes `capital.positionFraction` of the capital. */
  sizing?: Sizing;
  risk?: RiskOptions;
  collect?: Collect;
  /**
   * Index of the bar whose close makes the first decision (default 0). Bars before it only warm the
   * indicators up; returns, exposure and equity are counted from it.
   */
  firstBar?: number;
  /** Shared by all runs of a process over the same `bars`; without it a run computes its own. */
  cache?: IndicatorCache;
  /** Likewise reused from run to run. */
  scratch?: Scratch;
}

/** For each side of a trade: commission = max(minimum, rate · notional + per share · quantity). */
export interface Costs {
  /** Fraction of notional. */
  commissionRate: number;
  /** Currency for each share. */
  commissionPerShare?: number;
  /** Currency for each fill. */
  commissionMinimum?: number;
  /** Fraction of the price; a target, being a limit order, has none. */
  slippageRate: number;
}

export interface Capital {
  initialCapital: number;
  /** Fraction of the available capital put into one position, in (0, 1]. */
  positionFraction: number;
}

/** What a position is entered with; always whole shares, never more than the cash pays for. */
export type Sizing =
  /** Fraction of the available capital, commission included. */
  | { readonly kind: 'fraction'; readonly fraction: number }
  | { readonly kind: 'quantity'; readonly quantity: number }
  /** Currency, before commission. */
  | { readonly kind: 'notional'; readonly notional: number }
  /**
   * The fraction annualVolatility / realised volatility of the last `lookbackBars` returns, at most
   * `fractionMax`; no entry before there are as many.
   */
  | {
      readonly kind: 'volatility';
      readonly annualVolatility: number;
      readonly lookbackBars: number;
      readonly fractionMax: number;
    };

/** Distances as fractions of the fill price, used where the strategy's signals name none. */
export interface RiskOptions {
  readonly stopFraction?: number;
  readonly targetFraction?: number;
  readonly trailingFraction?: number;
  /**
   * KTRDR's min_signal_separation: a signal is ignored this soon, by the bars' times, after the last one
   * that was acted upon, be it an entry or an exit. Stops and targets are no signals.
   */
  readonly signalSeparationMs?: number;
}

/** How much a run keeps beside its metrics; 0 keeps nothing and costs nothing (sweeps). */
export interface Collect {
  /** The first trades only; metrics always count them all. */
  tradesMax: number;
  /** Equity is thinned evenly to at most this many points, first and last included. */
  equityPointsMax: number;
}

export const DEFAULT_COSTS: Costs = { commissionRate: 0.001, slippageRate: 0.0005 };
export const DEFAULT_CAPITAL: Capital = { initialCapital: 100_000, positionFraction: 0.25 };
export const COLLECT_ALL: Collect = { tradesMax: 100_000, equityPointsMax: 2_000 };
export const COLLECT_METRICS_ONLY: Collect = { tradesMax: 0, equityPointsMax: 0 };
