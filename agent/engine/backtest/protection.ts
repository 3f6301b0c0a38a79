import type { Bars } from '#agent/engine/bars';
import type { RiskOptions } from './request';
import type { ExitReason } from './result';
import type { Signals } from './signals';

/**
 * Stop, target and trailing stop of one position. Prices are held times `side` (+1 long, −1 short),
 * which makes a short the mirror image of a long: worst below, best above.
 */
export interface Protection {
  readonly side: number;
  /** −Infinity: no stop. */
  readonly stop: number;
  /** Infinity: no target. */
  readonly target: number;
  /** Infinity: not trailing. */
  readonly trailing: number;
  /** The best price since the entry, up to the bar before the one looked at. */
  best: number;
}

export interface ProtectionRequest {
  side: number;
  entryPrice: number;
  signals: Signals;
  decidedBar: number;
  risk: RiskOptions;
}

/** False when no position can have a stop or a target. */
export function mayProtect(signals: Signals, risk: RiskOptions): boolean {
  const { stopFraction, targetFraction, trailingFraction } = risk;
  const columns = signals.stop ?? signals.target ?? signals.trailing;
  return columns !== null || (stopFraction ?? targetFraction ?? trailingFraction) !== undefined;
}

/** Undefined when the position has neither stop nor target. */
export function protect(request: ProtectionRequest): Protection | undefined {
  const { side, entryPrice, signals, decidedBar, risk } = request;
  const distance = (column: Float64Array | null, fraction = Infinity): number => {
    const own = column === null ? NaN : (column[decidedBar] as number);
    return own >= 0 ? own : fraction * entryPrice;
  };
  const stop = distance(signals.stop, risk.stopFraction);
  const target = distance(signals.target, risk.targetFraction);
  const trailing = distance(signals.trailing, risk.trailingFraction);
  if (Math.min(stop, target, trailing) === Infinity) return undefined;
  const entry = side * entryPrice;
  return { side, stop: entry - stop, target: entry + target, trailing, best: entry };
}

export interface ProtectiveExit {
  bar: number;
  /** The market's price, before slippage. */
  price: number;
  reason: Extract<ExitReason, 'stop' | 'target' | 'trailing'>;
  /** The open was already beyond: a fill of the open, not within the bar. */
  atOpen: boolean;
}

/**
 * The first bar of `from` to `end` − 1 that ends the position: a stop at the worse of open and level,
 * a target at its level however far the open is beyond. In one bar the stop comes first, since nobody
 * knows the order and the worse is assumed; the trailing level follows bars before, never the same one.
 */
export function findProtectiveExit(
  protection: Protection,
  bars: Bars,
  { from, end }: { from: number; end: number },
): ProtectiveExit | undefined {
  const { side, stop, target, trailing } = protection;
  const worst = side === 1 ? bars.low : bars.high;
  const best = side === 1 ? bars.high : bars.low;
  for (let bar = from; bar < end; bar++) {
    const trail = protection.best - trailing;
    const level = trail > stop ? trail : stop;
    if (side * (worst[bar] as number) <= level) {
      const open = side * (bars.open[bar] as number);
      const reason = trail > stop ? 'trailing' : 'stop';
      return { bar, price: side * Math.min(open, level), reason, atOpen: open <= level };
    }
    const reached = side * (best[bar] as number);
    if (reached >= target) {
      const atOpen = side * (bars.open[bar] as number) >= target;
      return { bar, price: side * target, reason: 'target', atOpen };
    }
    if (reached > protection.best) protection.best = reached;
  }
  return undefined;
}
