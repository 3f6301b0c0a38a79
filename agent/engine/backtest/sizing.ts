import type { Bars } from '#agent/engine/bars';
import { calendarOf } from './calendar';
import { quantityWithin } from './costs';
import type { Costs, Sizing } from './request';

export interface EntrySize {
  bars: Bars;
  /** The bar whose close decides. */
  decidedBar: number;
  sizing: Sizing;
  costs: Required<Costs>;
  cash: number;
  /** As it will be filled, slippage included. */
  price: number;
  /** Multiplies what `sizing` says. */
  scale: number;
}

/**
 * Whole shares to enter with, never more than the cash pays for with its commission: there is no
 * leverage. Below 1, or NaN, means no entry.
 */
export function entrySize(entry: EntrySize): number {
  const { sizing, cash, price, scale, costs } = entry;
  const affordable = quantityWithin(cash, price, costs);
  switch (sizing.kind) {
    case 'fraction':
      return Math.min(quantityWithin(sizing.fraction * scale * cash, price, costs), affordable);
    case 'quantity':
      return Math.min(Math.floor(sizing.quantity * scale), affordable);
    case 'notional':
      return Math.min(Math.floor((sizing.notional * scale) / price), affordable);
    case 'volatility': {
      const realized = realizedVolatility(entry.bars, entry.decidedBar, sizing.lookbackBars);
      const fraction = Math.min(sizing.fractionMax, sizing.annualVolatility / realized);
      return Math.min(quantityWithin(fraction * scale * cash, price, costs), affordable);
    }
  }
}

const YEAR_US = 365.25 * 86_400_000_000;

/**
 * √(Σ r² / years) over the `lookbackBars` returns of the close up to `bar`, NaN before there are as
 * many. Dividing by the time that passed needs no count of bars a year, which only the future tells.
 */
export function realizedVolatility(bars: Bars, bar: number, lookbackBars: number): number {
  const first = bar - lookbackBars;
  if (first < 0) return NaN;
  const { close } = bars;
  let squares = 0;
  for (let i = first + 1; i <= bar; i++) {
    const change = (close[i] as number) / (close[i - 1] as number) - 1;
    squares += change * change;
  }
  const { timeUs } = calendarOf(bars);
  return Math.sqrt((squares * YEAR_US) / ((timeUs[bar] as number) - (timeUs[first] as number)));
}
