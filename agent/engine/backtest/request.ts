import type { Bars } from '#agent/engine/bars';
import type { IndicatorCache } from '#agent/engine/indicators/cache';
import type { ParameterValues, Strategy } from '#agent/engine/strategy/strategy';

export interface BacktestRequest {
  bars: Bars;
  strategy: Strategy;
  /** From `parseParameters`. */
  parameters: ParameterValues;
  costs?: Costs;
  capital?: Capital;
  collect?: Collect;
  /**
   * Index of the bar whose close makes the first decision (default 0). Bars before it only warm the
   * indicators up; returns, exposure and equity are counted from it.
   */
  firstBar?: number;
  /** Shared by all runs of a process over the same `bars`; without it a run computes its own. */
  cache?: IndicatorCache;
}

/** Both as a fraction of notional, for each side of a trade. */
export interface Costs {
  commissionRate: number;
  slippageRate: number;
}

export interface Capital {
  initialCapital: number;
  /** Fraction of the available capital put into one position, in (0, 1]. */
  positionFraction: number;
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
