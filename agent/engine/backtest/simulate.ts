import { present } from '#agent/kit/assert';
import type { Bars } from '#agent/engine/bars';
import { calendarOf } from './calendar';
import { cashOf, completeCosts, fillPrice } from './costs';
import { createDecisions } from './decisions';
import type { Decisions } from './decisions';
import { findProtectiveExit, mayProtect, protect } from './protection';
import type { Protection, ProtectiveExit } from './protection';
import type { Capital, Costs, RiskOptions, Sizing } from './request';
import type { ExitReason } from './result';
import { createScratch } from './scratch';
import type { Scratch } from './scratch';
import type { Signals } from './signals';
import { entrySize } from './sizing';

export interface Simulation {
  /**
   * Equity at the close of bars `firstBar` to the last; the last one after a forced exit. It belongs to
   * the scratch of the options, when they had one.
   */
  readonly equity: Float64Array;
  readonly roundTrips: readonly RoundTrip[];
}

/** One position from entry to exit, in the engine's own terms. */
export interface RoundTrip {
  readonly entryBar: number;
  /** Signed: negative is short. */
  readonly quantity: number;
  readonly entryPrice: number;
  /** Cash that the entry took or brought, costs included. */
  readonly entryCash: number;
  exitBar: number;
  exitPrice: number;
  /** Where in the exit bar: all but an exit at the open hold the position in that bar. */
  exitAt: 'open' | 'within' | 'close';
  reason: ExitReason;
  /** Net of everything: what the round trip added to cash. */
  netPnl: number;
}

export interface SimulationOptions {
  firstBar: number;
  /** The first bar whose close may decide, when it is later than `firstBar`. */
  firstDecision?: number;
  costs: Costs;
  capital: Capital;
  sizing?: Sizing;
  risk?: RiskOptions;
  scratch?: Scratch;
}

/**
 * Follows `signals`: what is decided at the close of bar t is filled at the open of t + 1, a reversal
 * as an exit and an entry at one open; stops and targets fill within bars, the bar of entry included. A
 * position left at the end is closed at the last close, costs included, so that initial capital +
 * Σ net result = final equity. Nothing is liquidated before: a short may take equity below zero, and
 * no entry is possible from there.
 */
export function simulate(bars: Bars, signals: Signals, options: SimulationOptions): Simulation {
  const { firstBar, firstDecision = 0, capital, risk = {}, scratch = createScratch() } = options;
  const account: Account = {
    cash: capital.initialCapital,
    quantity: 0,
    roundTrips: [],
    open: undefined,
    protection: undefined,
    equity: scratch.float64('equity', bars.length - firstBar),
    decisions: createDecisions(signals, Math.max(firstBar, firstDecision)),
    bars,
    signals,
    firstBar,
    costs: completeCosts(options.costs),
    sizing: options.sizing ?? { kind: 'fraction', fraction: capital.positionFraction },
    risk,
    protects: mayProtect(signals, risk),
  };
  for (let bar = firstBar; bar < bars.length;) {
    bar = account.quantity === 0 ? waitForEntry(account, bar) : holdPosition(account, bar);
  }
  const { equity } = account;
  if (account.quantity !== 0) {
    const last = bars.length - 1;
    const price = bars.close[last] as number;
    exit(account, { bar: last, price, reason: 'end_of_data', exitAt: 'close' });
    equity[equity.length - 1] = account.cash;
  }
  return { equity, roundTrips: account.roundTrips };
}

/** Cash, the one position, what became of earlier ones, and the rules that all of them follow. */
interface Account {
  cash: number;
  quantity: number;
  readonly roundTrips: RoundTrip[];
  /** The last of them, while it is open. */
  open: RoundTrip | undefined;
  protection: Protection | undefined;
  readonly equity: Float64Array;
  readonly decisions: Decisions;
  readonly bars: Bars;
  readonly signals: Signals;
  readonly firstBar: number;
  readonly costs: Required<Costs>;
  readonly sizing: Sizing;
  readonly risk: RiskOptions;
  /** May any position have a stop or a target? */
  readonly protects: boolean;
}

/** Marks the bars from `bar` on while flat, enters at the open after, and returns that bar. */
function waitForEntry(account: Account, bar: number): number {
  const { bars, equity, firstBar } = account;
  const decided = account.decisions.nextEntry(bar);
  const next = Math.min(decided + 1, bars.length);
  equity.fill(account.cash, bar - firstBar, next - firstBar);
  if (next < bars.length) enter(account, decided);
  return next;
}

/**
 * Marks the bars from `bar` on while the position is held, ends it, and returns the bar that is to be
 * marked next: the one after an exit at the open is that bar, and so is the one that a stop fell into.
 */
function holdPosition(account: Account, bar: number): number {
  const { bars, protection } = account;
  const side = account.quantity > 0 ? 1 : -1;
  const decided = account.decisions.nextExit(bar, side);
  const next = Math.min(decided + 1, bars.length);
  const stopped =
    protection === undefined ? undefined : findProtectiveExit(protection, bars, { from: bar, end: next });
  markToMarket(account, bar, stopped?.bar ?? next);
  if (stopped !== undefined) {
    exitByProtection(account, stopped);
    account.decisions.stopped(stopped.bar, side);
    return stopped.bar;
  }
  if (next < bars.length) {
    exit(account, { bar: next, price: bars.open[next] as number, reason: 'signal', exitAt: 'open' });
    separateSignals(account, decided);
    if (account.decisions.entryAt(decided) !== 0) enter(account, decided);
  }
  return next;
}

/** Apart from the fills, this loop is three times as fast as with them inside. */
function markToMarket(account: Account, from: number, end: number): void {
  const { equity, cash, quantity, firstBar } = account;
  const { close } = account.bars;
  for (let i = from; i < end; i++) equity[i - firstBar] = cash + quantity * (close[i] as number);
}

function enter(account: Account, decidedBar: number): void {
  const { bars, costs, signals, sizing, cash } = account;
  const side = account.decisions.entryAt(decidedBar);
  const bar = decidedBar + 1;
  const entryPrice = fillPrice(bars.open[bar] as number, side, costs.slippageRate);
  const chosen = signals.size === null ? NaN : (signals.size[decidedBar] as number);
  const scale = Number.isNaN(chosen) ? 1 : chosen;
  const size = entrySize({ bars, decidedBar, sizing, costs, cash, price: entryPrice, scale });
  // False, too, for a price of zero or below, or none at all.
  if (!(size >= 1 && size <= Number.MAX_SAFE_INTEGER)) return;
  const quantity = side * size;
  const entryCash = cashOf(quantity, entryPrice, costs);
  account.cash += entryCash;
  account.quantity = quantity;
  account.open = {
    entryBar: bar,
    quantity,
    entryPrice,
    entryCash,
    exitBar: bar,
    exitPrice: entryPrice,
    exitAt: 'open',
    reason: 'signal',
    netPnl: 0,
  };
  account.roundTrips.push(account.open);
  if (account.protects) {
    account.protection = protect({ side, entryPrice, signals, decidedBar, risk: account.risk });
  }
  separateSignals(account, decidedBar);
}

function exitByProtection(account: Account, { bar, price, reason, atOpen }: ProtectiveExit): void {
  exit(account, { bar, price, reason, exitAt: atOpen ? 'open' : 'within' });
}

interface Exit {
  bar: number;
  /** The market's price, before slippage. */
  price: number;
  reason: ExitReason;
  exitAt: RoundTrip['exitAt'];
}

function exit(account: Account, { bar, price, reason, exitAt }: Exit): void {
  const { costs } = account;
  const trip = present(account.open, 'the open round trip');
  trip.exitBar = bar;
  // A target is a limit order: it fills at its limit or not at all.
  trip.exitPrice = reason === 'target' ? price : fillPrice(price, -account.quantity, costs.slippageRate);
  const cash = cashOf(-account.quantity, trip.exitPrice, costs);
  trip.netPnl = trip.entryCash + cash;
  trip.reason = reason;
  trip.exitAt = exitAt;
  account.cash += cash;
  account.quantity = 0;
  account.open = undefined;
  account.protection = undefined;
}

/** After a signal that was acted upon, those closer than the separation are not. */
function separateSignals(account: Account, decidedBar: number): void {
  const { signalSeparationMs = 0 } = account.risk;
  if (signalSeparationMs === 0) return;
  const { timeUs } = calendarOf(account.bars);
  const fromUs = (timeUs[decidedBar] as number) + signalSeparationMs * 1000;
  let bar = decidedBar;
  while (bar < timeUs.length && (timeUs[bar] as number) < fromUs) bar++;
  account.decisions.holdUntil(bar);
}
