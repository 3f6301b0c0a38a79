import { present } from '#agent/kit/assert';
import type { Bars } from '#agent/engine/bars';
import type { Capital, Costs } from './request';

export interface Simulation {
  /** Equity at the close of bars `firstBar` to the last; the last one after a forced exit. */
  readonly equity: Float64Array;
  readonly roundTrips: readonly RoundTrip[];
}

/** One position from entry to exit, in the engine's own terms. */
export interface RoundTrip {
  readonly entryBar: number;
  /** Signed: negative is short. */
  readonly quantity: number;
  readonly entryPrice: number;
  /** Cash that entry and exit took or brought, costs included. */
  readonly entryCash: number;
  exitBar: number;
  exitPrice: number;
  /** Net of everything: what the round trip added to cash. */
  netPnl: number;
  /** Filled at the last close because the data ended, not at an open. */
  forced: boolean;
}

export interface SimulationOptions {
  firstBar: number;
  costs: Costs;
  capital: Capital;
}

/**
 * Follows `targets`: what is wanted at the close of bar t is filled at the open of t + 1, a reversal
 * as an exit and an entry at one open. The quantity of an entry is
 * floor(fraction · cash / (fill price · (1 + commission rate))); when that is 0, the entry is tried
 * again at each open while it is wanted. A position left at the end is closed at the last close, costs
 * included, so that initial capital + Σ net result = final equity. Nothing is liquidated before: a
 * short may take equity below zero, and no entry is possible from there.
 */
export function simulate(bars: Bars, targets: Int8Array, options: SimulationOptions): Simulation {
  const { open, close, length } = bars;
  const { firstBar } = options;
  const equity = new Float64Array(length - firstBar);
  const account: Account = {
    cash: options.capital.initialCapital,
    quantity: 0,
    roundTrips: [],
    open: undefined,
    fraction: options.capital.positionFraction,
    costs: options.costs,
  };
  const columns: Columns = { equity, close, targets, firstBar };
  let side = 0;
  for (let bar = firstBar; bar < length;) {
    const wanted = bar === firstBar ? 0 : (targets[bar - 1] as number);
    if (wanted !== side) {
      follow(account, wanted, { bar, price: open[bar] as number });
      side = Math.sign(account.quantity);
    }
    bar = markToMarket(account, columns, bar);
  }
  if (account.quantity !== 0) {
    exit(account, { bar: length - 1, price: close[length - 1] as number, forced: true });
    equity[equity.length - 1] = account.cash;
  }
  return { equity, roundTrips: account.roundTrips };
}

/**
 * Marks the bars from `bar` on while the account is as it is wanted, and returns the first bar at whose
 * open it may change. Apart from the fills, this loop is three times as fast as with them inside.
 */
function markToMarket(account: Account, columns: Columns, bar: number): number {
  const { equity, close, targets, firstBar } = columns;
  const { cash, quantity } = account;
  const side = Math.sign(quantity);
  const { length } = close;
  for (let i = bar; i < length; i++) {
    equity[i - firstBar] = cash + quantity * (close[i] as number);
    if (targets[i] !== side) return i + 1;
  }
  return length;
}

interface Columns {
  equity: Float64Array;
  close: Float64Array;
  targets: Int8Array;
  firstBar: number;
}

/** Cash, the one position, and what became of earlier ones. */
interface Account {
  cash: number;
  quantity: number;
  readonly roundTrips: RoundTrip[];
  /** The last of them, while it is open. */
  open: RoundTrip | undefined;
  readonly fraction: number;
  readonly costs: Costs;
}

function follow(account: Account, wanted: number, fill: Fill): void {
  if (account.quantity !== 0) exit(account, fill);
  if (wanted !== 0) enter(account, wanted, fill);
}

interface Fill {
  bar: number;
  /** The market's price, before slippage. */
  price: number;
  /** An exit because the data ended. */
  forced?: boolean;
}

function enter(account: Account, wanted: number, { bar, price }: Fill): void {
  const { slippageRate, commissionRate } = account.costs;
  const entryPrice = fillPrice(price, wanted, slippageRate);
  const size = Math.floor((account.fraction * account.cash) / (entryPrice * (1 + commissionRate)));
  // False, too, for a price of zero or below, or none at all.
  if (!(size >= 1 && size <= Number.MAX_SAFE_INTEGER)) return;
  const quantity = wanted * size;
  const entryCash = cashOf(quantity, entryPrice, commissionRate);
  account.cash += entryCash;
  account.quantity = quantity;
  account.open = {
    entryBar: bar,
    quantity,
    entryPrice,
    entryCash,
    exitBar: bar,
    exitPrice: entryPrice,
    netPnl: 0,
    forced: false,
  };
  account.roundTrips.push(account.open);
}

function exit(account: Account, { bar, price, forced = false }: Fill): void {
  const { slippageRate, commissionRate } = account.costs;
  const trip = present(account.open, 'the open round trip');
  trip.exitBar = bar;
  trip.exitPrice = fillPrice(price, -account.quantity, slippageRate);
  const cash = cashOf(-account.quantity, trip.exitPrice, commissionRate);
  trip.netPnl = trip.entryCash + cash;
  trip.forced = forced;
  account.cash += cash;
  account.quantity = 0;
  account.open = undefined;
}

/** What buying (positive) or selling `quantity` at `price` does to cash, commission included. */
function cashOf(quantity: number, price: number, commissionRate: number): number {
  return -quantity * price - Math.abs(quantity) * price * commissionRate;
}

/** A buyer (positive quantity) pays more than the market's price, a seller gets less. */
function fillPrice(price: number, quantity: number, slippageRate: number): number {
  return price * (1 + Math.sign(quantity) * slippageRate);
}
