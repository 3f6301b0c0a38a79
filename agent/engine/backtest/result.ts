import type { BacktestMetrics } from './metrics';

export interface BacktestResult {
  readonly metrics: BacktestMetrics;
  readonly trades: readonly Trade[];
  readonly equity: EquitySamples;
  /** Bars from the first decision to the end. */
  readonly barCount: number;
  /** The last trade was closed by the end of the data, at the last close, not by the strategy. */
  readonly openAtEnd: boolean;
  /** Periods per year used to annualise: 252, 365 when weekends trade, 52 for weekly bars. */
  readonly periodsPerYear: number;
}

export interface Trade {
  /** From 1, in order of entry. */
  readonly tradeId: number;
  readonly symbol: string;
  readonly side: 'LONG' | 'SHORT';
  /**
   * Prices as filled, slippage included. Times are the fills', microseconds UTC; nobody knows when
   * within its bar a stop was filled: such an exit has the time of the bar's close.
   */
  readonly entryPrice: number;
  readonly entryTimeUs: number;
  readonly exitPrice: number;
  readonly exitTimeUs: number;
  readonly quantity: number;
  /** Between fill prices, so after slippage and before commission. */
  readonly grossPnl: number;
  /** Both sides. */
  readonly commission: number;
  /** Both sides, in currency; already inside the fill prices. */
  readonly slippage: number;
  /** grossPnl − commission: initial capital + Σ netPnl = final equity. */
  readonly netPnl: number;
  readonly holdingPeriodHours: number;
  /**
   * Best (≥ 0) and worst (≤ 0) unrealised result in currency by the highs and lows of the bars held
   * whole; of a bar that a stop or target ended only the open and the fill.
   */
  readonly maxFavorableExcursion: number;
  readonly maxAdverseExcursion: number;
  readonly exitReason: ExitReason;
}

export type ExitReason = 'signal' | 'stop' | 'target' | 'trailing' | 'end_of_data';

/** Equity at bar closes, labelled with the bar's open time; plain arrays, ready for JSON. */
export interface EquitySamples {
  readonly timeMs: readonly number[];
  readonly equity: readonly number[];
}
