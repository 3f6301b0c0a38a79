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
  entryPrice: number;
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

/**
 * A backtest written for reading, not for speed, and sharing no code with the engine: bar after bar, a
 * journal of cash and shares, longs and shorts spelt out apart.
 */
export function referenceBacktest(bars: Bars, signals: Signals, options: ReferenceOptions): ReferenceResult {
  const { costs, capital, risk, firstBar } = options;
  const all: Bar[] = Array.from({ length: bars.length }, (_, i) => ({
    ms: Number((bars.time[i] ?? 0n) / 1000n),
    open: bars.open[i] ?? NaN,
    high: bars.high[i] ?? NaN,
    low: bars.low[i] ?? NaN,
    close: bars.close[i] ?? NaN,
  }));
  const barMs = (all[1]?.ms ?? 0) - (all[0]?.ms ?? 0);
  let cash = capital.initialCapital;
  let position: Position | undefined;
  let barsHeld = 0;
  let lastSignalMs = -Infinity;
  const waitsForFresh = { long: false, short: false };
  const equity: number[] = [];
  const trades: ReferenceTrade[] = [];
  const reasons: string[] = [];

  const fee = (quantity: number, price: number): number =>
    Math.max(
      costs.commissionMinimum ?? 0,
      quantity * price * costs.commissionRate + quantity * (costs.commissionPerShare ?? 0),
    );
  const close = (held: Position, fill: { price: number; ms: number; reason: string }): void => {
    const received = held.direction * held.quantity * fill.price - fee(held.quantity, fill.price);
    cash += received;
    trades.push({ netPnl: received - held.paid, hours: (fill.ms - held.entryMs) / 3_600_000 });
    reasons.push(fill.reason);
    position = undefined;
  };
  const closeAtMarket = (held: Position, fill: { price: number; ms: number; reason: string }): void =>
    close(held, { ...fill, price: fill.price * (1 - held.direction * costs.slippageRate) });

  const tryToOpen = (direction: 1 | -1, decided: number, bar: Bar): boolean => {
    const price = bar.open * (1 + direction * costs.slippageRate);
    const quantity = sizeOf(all, decided, { options, cash, price, scale: signals.size?.[decided] ?? NaN });
    if (!(quantity >= 1)) return false;
    const distance = (column: Float64Array | null, fraction: number | undefined): number => {
      const own = column?.[decided] ?? NaN;
      if (own >= 0) return own;
      return fraction === undefined ? Infinity : fraction * price;
    };
    const paid = direction * quantity * price + fee(quantity, price);
    cash -= paid;
    position = {
      direction,
      quantity,
      paid,
      entryMs: bar.ms,
      entryPrice: price,
      stop: price - direction * distance(signals.stop, risk.stopFraction),
      target: price + direction * distance(signals.target, risk.targetFraction),
      trailing: distance(signals.trailing, risk.trailingFraction),
      extremes: [price],
    };
    return true;
  };

  for (let i = firstBar; i < all.length; i++) {
    const bar = all[i] as Bar;
    const decided = i - 1;
    const decidedMs = all[decided]?.ms ?? NaN;
    if (i > firstBar && decidedMs - lastSignalMs >= (risk.signalSeparationMs ?? 0)) {
      const long = signals.enterLong[decided] === 1 && signals.exitLong[decided] === 0 && !waitsForFresh.long;
      const short =
        signals.enterShort?.[decided] === 1 &&
        (signals.exitShort?.[decided] ?? 0) === 0 &&
        !waitsForFresh.short;
      const wanted = long === short ? 0 : long ? 1 : -1;
      const exits = position?.direction === 1 ? signals.exitLong : signals.exitShort;
      if (position !== undefined && (exits?.[decided] === 1 || wanted === -position.direction)) {
        closeAtMarket(position, { price: bar.open, ms: bar.ms, reason: 'signal' });
        lastSignalMs = decidedMs;
      }
      if (position === undefined && wanted !== 0 && tryToOpen(wanted, decided, bar)) lastSignalMs = decidedMs;
    }
    const held = position as Position | undefined;
    if (held !== undefined) {
      const exit = protectiveExit(held, bar);
      if (exit?.ms !== bar.ms) barsHeld++;
      if (exit !== undefined) {
        if (exit.reason === 'target') close(held, exit);
        else closeAtMarket(held, exit);
        if (signals.reentry === 'fresh_signal') waitsForFresh[held.direction === 1 ? 'long' : 'short'] = true;
      }
      held.extremes.push(held.direction === 1 ? bar.high : bar.low);
    }
    if (signals.enterLong[i] === 0) waitsForFresh.long = false;
    if (signals.enterShort?.[i] === 0) waitsForFresh.short = false;
    const kept = position as Position | undefined;
    if (kept !== undefined && i === all.length - 1) {
      closeAtMarket(kept, { price: bar.close, ms: bar.ms + barMs, reason: 'end_of_data' });
    }
    const shares =
      position === undefined ? 0 : (position as Position).direction * (position as Position).quantity;
    equity.push(cash + shares * bar.close);
  }

  /** Where the bar ends the position, before slippage; its time is the open's or, within, the close's. */
  function protectiveExit(
    held: Position,
    bar: Bar,
  ): { price: number; ms: number; reason: string } | undefined {
    if (held.direction === 1) {
      const trail = Math.max(...held.extremes) - held.trailing;
      const level = Math.max(held.stop, trail);
      const reason = trail > held.stop ? 'trailing' : 'stop';
      if (bar.open <= level) return { price: bar.open, ms: bar.ms, reason };
      if (bar.low <= level) return { price: level, ms: bar.ms + barMs, reason };
      if (bar.open >= held.target) return { price: held.target, ms: bar.ms, reason: 'target' };
      if (bar.high >= held.target) return { price: held.target, ms: bar.ms + barMs, reason: 'target' };
    } else {
      const trail = Math.min(...held.extremes) + held.trailing;
      const level = Math.min(held.stop, trail);
      const reason = trail < held.stop ? 'trailing' : 'stop';
      if (bar.open >= level) return { price: bar.open, ms: bar.ms, reason };
      if (bar.high >= level) return { price: level, ms: bar.ms + barMs, reason };
      if (bar.open <= held.target) return { price: held.target, ms: bar.ms, reason: 'target' };
      if (bar.low <= held.target) return { price: held.target, ms: bar.ms + barMs, reason: 'target' };
    }
    return undefined;
  }

  const counted = all.slice(firstBar);
  return {
    metrics: referenceMetrics({
      initial: capital.initialCapital,
      equity,
      timeMs: counted.map(({ ms }) => ms),
      trades,
      barsHeld,
      allTimesMs: all.map(({ ms }) => ms),
      closes: counted.map((bar) => bar.close),
    }),
    equity,
    netPnls: trades.map(({ netPnl }) => netPnl),
    reasons,
  };
}

interface SizeRequest {
  options: ReferenceOptions;
  cash: number;
  price: number;
  scale: number;
}

function sizeOf(all: Bar[], decided: number, { options, cash, price, scale }: SizeRequest): number {
  const { costs, sizing } = options;
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
