import type { Bars } from '#agent/engine/bars';
import type { Capital, Costs, RiskOptions, Sizing } from '#agent/engine/backtest/request';
import type { Signals } from '#agent/engine/backtest/signals';
import { referenceMetrics } from './reference-metrics';
import type { ReferenceTrade } from './reference-metrics';

/** What the slow and obvious second implementation says of a run, metrics under KTRDR's names. */
export interface ReferenceResult {
  metrics: Record<string, number | null>;
  equity: number[];
  netPnls: number[];
  reasons: string[];
}

export interface ReferenceOptions {
  costs: Costs;
  capital: Capital;
  sizing: Sizing;
  risk: RiskOptions;
  firstBar: number;
}

interface Position {
  direction: 1 | -1;
  quantity: number;
  paid: number;
  entryMs: number;
  stop: number;
  target: number;
  trailing: number;
  /** Highest highs or lowest lows of the bars since the entry, without the current one. */
  extremes: number[];
}

interface Bar {
  ms: number;
  open: number;
  high: number;
  low: number;
  close: number;
}

/** All there is to know of the run, and what came of it so far. */
interface Book {
  readonly all: Bar[];
  readonly barMs: number;
  readonly signals: Signals;
  readonly options: ReferenceOptions;
  cash: number;
  position: Position | undefined;
  barsHeld: number;
  lastSignalMs: number;
  waitsForFresh: { long: boolean; short: boolean };
  trades: ReferenceTrade[];
  reasons: string[];
}

/**
 * A backtest written for reading, not for speed, and sharing no code with the engine: bar after bar, a
 * journal of cash and shares, longs and shorts spelt out apart.
 */
export function referenceBacktest(bars: Bars, signals: Signals, options: ReferenceOptions): ReferenceResult {
  const all: Bar[] = Array.from({ length: bars.length }, (_, i) => ({
    ms: Number((bars.time[i] ?? 0n) / 1000n),
    open: bars.open[i] ?? NaN,
    high: bars.high[i] ?? NaN,
    low: bars.low[i] ?? NaN,
    close: bars.close[i] ?? NaN,
  }));
  const book: Book = {
    all,
    barMs: (all[1]?.ms ?? 0) - (all[0]?.ms ?? 0),
    signals,
    options,
    cash: options.capital.initialCapital,
    position: undefined,
    barsHeld: 0,
    lastSignalMs: -Infinity,
    waitsForFresh: { long: false, short: false },
    trades: [],
    reasons: [],
  };
  const equity: number[] = [];
  for (const [i, bar] of all.entries()) {
    if (i < options.firstBar) continue;
    if (i > options.firstBar) fillAtOpen(book, i - 1, bar);
    fillWithin(book, bar);
    if (signals.enterLong[i] === 0) book.waitsForFresh.long = false;
    if (signals.enterShort?.[i] === 0) book.waitsForFresh.short = false;
    if (i === all.length - 1) {
      closeAtMarket(book, { price: bar.close, ms: bar.ms + book.barMs, reason: 'end_of_data' });
    }
    const { position } = book;
    equity.push(
      position === undefined ? book.cash : book.cash + position.direction * position.quantity * bar.close,
    );
  }
  const counted = all.slice(options.firstBar);
  const { trades, reasons, barsHeld } = book;
  const metrics = referenceMetrics({
    initial: options.capital.initialCapital,
    equity,
    timeMs: counted.map(({ ms }) => ms),
    trades,
    barsHeld,
    allTimesMs: all.map(({ ms }) => ms),
    closes: counted.map((bar) => bar.close),
  });
  return { metrics, equity, netPnls: trades.map(({ netPnl }) => netPnl), reasons };
}

/** What was decided at the close of bar `decided`, at the open of the next. */
function fillAtOpen(book: Book, decided: number, bar: Bar): void {
  const { signals, waitsForFresh, options } = book;
  const decidedMs = book.all[decided]?.ms ?? NaN;
  if (decidedMs - book.lastSignalMs < (options.risk.signalSeparationMs ?? 0)) return;
  const long = signals.enterLong[decided] === 1 && signals.exitLong[decided] === 0 && !waitsForFresh.long;
  const short =
    signals.enterShort?.[decided] === 1 && signals.exitShort?.[decided] !== 1 && !waitsForFresh.short;
  const wanted = long && !short ? 1 : short && !long ? -1 : 0;
  const exits = book.position?.direction === 1 ? signals.exitLong : signals.exitShort;
  if (book.position !== undefined && (exits?.[decided] === 1 || wanted === -book.position.direction)) {
    closeAtMarket(book, { price: bar.open, ms: bar.ms, reason: 'signal' });
    book.lastSignalMs = decidedMs;
  }
  if (book.position === undefined && wanted !== 0 && tryToOpen(book, decided, { direction: wanted, bar })) {
    book.lastSignalMs = decidedMs;
  }
}

/** A stop or a target in the bar, or one more bar in the position. */
function fillWithin(book: Book, bar: Bar): void {
  const { position } = book;
  if (position === undefined) return;
  const exit = protectiveExit(position, bar, book.barMs);
  if (exit?.ms !== bar.ms) book.barsHeld++;
  position.extremes.push(position.direction === 1 ? bar.high : bar.low);
  if (exit === undefined) return;
  if (exit.reason === 'target') close(book, exit);
  else closeAtMarket(book, exit);
  if (book.signals.reentry !== 'fresh_signal') return;
  book.waitsForFresh[position.direction === 1 ? 'long' : 'short'] = true;
}

function tryToOpen(book: Book, decided: number, entry: { direction: 1 | -1; bar: Bar }): boolean {
  const { signals, options } = book;
  const { direction, bar } = entry;
  const price = bar.open * (1 + direction * options.costs.slippageRate);
  const quantity = sizeOf(book, decided, price);
  if (!(quantity >= 1)) return false;
  const distance = (column: Float64Array | null, fraction: number | undefined): number => {
    const own = column?.[decided] ?? NaN;
    if (own >= 0) return own;
    return fraction === undefined ? Infinity : fraction * price;
  };
  const paid = direction * quantity * price + fee(options.costs, quantity, price);
  book.cash -= paid;
  book.position = {
    direction,
    quantity,
    paid,
    entryMs: bar.ms,
    stop: price - direction * distance(signals.stop, options.risk.stopFraction),
    target: price + direction * distance(signals.target, options.risk.targetFraction),
    trailing: distance(signals.trailing, options.risk.trailingFraction),
    extremes: [price],
  };
  return true;
}

interface Fill {
  price: number;
  ms: number;
  reason: string;
}

function closeAtMarket(book: Book, fill: Fill): void {
  const direction = book.position?.direction ?? 0;
  close(book, { ...fill, price: fill.price * (1 - direction * book.options.costs.slippageRate) });
}

function close(book: Book, fill: Fill): void {
  const { position } = book;
  if (position === undefined) return;
  const { direction, quantity, paid, entryMs } = position;
  const received = direction * quantity * fill.price - fee(book.options.costs, quantity, fill.price);
  book.cash += received;
  book.trades.push({ netPnl: received - paid, hours: (fill.ms - entryMs) / 3_600_000 });
  book.reasons.push(fill.reason);
  book.position = undefined;
}

function fee(costs: Costs, quantity: number, price: number): number {
  const perShare = costs.commissionPerShare ?? 0;
  return Math.max(
    costs.commissionMinimum ?? 0,
    quantity * price * costs.commissionRate + quantity * perShare,
  );
}

/** Where the bar ends the position, before slippage; its time is the open's or, within, the close's. */
function protectiveExit(held: Position, bar: Bar, barMs: number): Fill | undefined {
  const later = bar.ms + barMs;
  if (held.direction === 1) {
    const trail = Math.max(...held.extremes) - held.trailing;
    const level = Math.max(held.stop, trail);
    const reason = trail > held.stop ? 'trailing' : 'stop';
    if (bar.open <= level) return { price: bar.open, ms: bar.ms, reason };
    if (bar.low <= level) return { price: level, ms: later, reason };
    if (bar.open >= held.target) return { price: held.target, ms: bar.ms, reason: 'target' };
    if (bar.high >= held.target) return { price: held.target, ms: later, reason: 'target' };
  } else {
    const trail = Math.min(...held.extremes) + held.trailing;
    const level = Math.min(held.stop, trail);
    const reason = trail < held.stop ? 'trailing' : 'stop';
    if (bar.open >= level) return { price: bar.open, ms: bar.ms, reason };
    if (bar.high >= level) return { price: level, ms: later, reason };
    if (bar.open <= held.target) return { price: held.target, ms: bar.ms, reason: 'target' };
    if (bar.low <= held.target) return { price: held.target, ms: later, reason: 'target' };
  }
  return undefined;
}

function sizeOf({ all, cash, signals, options }: Book, decided: number, price: number): number {
  const { costs, sizing } = options;
  const scale = signals.size?.[decided] ?? NaN;
  const factor = Number.isNaN(scale) ? 1 : scale;
  /** Whole shares for a budget: both as if there were no minimum, and as if it were all there is. */
  const within = (budget: number): number =>
    Math.min(
      Math.floor(budget / (price * (1 + costs.commissionRate) + (costs.commissionPerShare ?? 0))),
      costs.commissionMinimum === undefined
        ? Infinity
        : Math.floor((budget - costs.commissionMinimum) / price),
    );
  const wanted = (): number => {
    if (sizing.kind === 'fraction') return within(sizing.fraction * factor * cash);
    if (sizing.kind === 'quantity') return Math.floor(sizing.quantity * factor);
    if (sizing.kind === 'notional') return Math.floor((sizing.notional * factor) / price);
    const window = all.slice(Math.max(0, decided - sizing.lookbackBars), decided + 1);
    if (window.length <= sizing.lookbackBars) return 0;
    const squares = window.slice(1).map((bar, i) => (bar.close / (window[i]?.close ?? NaN) - 1) ** 2);
    const days = ((window.at(-1)?.ms ?? NaN) - (window[0]?.ms ?? NaN)) / 86_400_000;
    const realized = Math.sqrt((squares.reduce((a, b) => a + b, 0) / days) * 365.25);
    return within(Math.min(sizing.fractionMax, sizing.annualVolatility / realized) * factor * cash);
  };
  return Math.min(wanted(), within(cash));
}
