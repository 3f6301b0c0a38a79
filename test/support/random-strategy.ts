import type { Rng } from '#agent/kit/rng';
import type { Costs, RiskOptions, Sizing } from '#agent/engine/backtest/request';
import type { Signals } from '#agent/engine/backtest/signals';

export function pick<T>(rng: Rng, values: readonly T[]): T {
  return values[rng.below(values.length)] as T;
}

/** Signals that are tossed at each bar, with distances about the size of a bar's moves. */
export function randomSignals(rng: Rng, length: number, moves: number): Signals {
  const toss = (probability: number): Uint8Array =>
    Uint8Array.from({ length }, () => (rng.next() < probability ? 1 : 0));
  const sometimes = <T>(probability: number, make: () => T): T | null =>
    rng.next() < probability ? make() : null;
  const distances = (scale: number): Float64Array =>
    Float64Array.from({ length }, () => (rng.below(8) === 0 ? NaN : scale * moves * rng.next()));
  const entries = pick(rng, [0.02, 0.2, 0.8]);
  const exits = pick(rng, [0, 0.05, 0.3]);
  return {
    enterLong: toss(entries),
    exitLong: toss(exits),
    enterShort: sometimes(0.6, () => toss(entries)),
    exitShort: sometimes(0.6, () => toss(exits)),
    stop: sometimes(0.4, () => distances(3)),
    target: sometimes(0.5, () => distances(2)),
    trailing: sometimes(0.3, () => distances(4)),
    size: sometimes(0.2, () => Float64Array.from({ length }, () => pick(rng, [NaN, 0, 0.5, 1, 3, -1]))),
    reentry: pick(rng, ['while_signalled', 'fresh_signal']),
  };
}

export function randomCosts(rng: Rng): Costs {
  return {
    commissionRate: pick(rng, [0, 0.001, 0.02]),
    slippageRate: pick(rng, [0, 0.0005, 0.01]),
    ...(rng.below(2) === 0 ? {} : { commissionPerShare: pick(rng, [0, 0.005, 1]) }),
    ...(rng.below(2) === 0 ? {} : { commissionMinimum: pick(rng, [0, 1, 50]) }),
  };
}

export function randomSizing(rng: Rng, capital: number): Sizing {
  return pick<Sizing>(rng, [
    { kind: 'fraction', fraction: pick(rng, [0.1, 0.25, 1]) },
    { kind: 'quantity', quantity: 1 + rng.below(1000) },
    { kind: 'notional', notional: capital * pick(rng, [0.01, 0.5, 2]) },
    {
      kind: 'volatility',
      annualVolatility: pick(rng, [0.05, 0.2, 1]),
      lookbackBars: 1 + rng.below(20),
      fractionMax: pick(rng, [0.5, 1]),
    },
  ]);
}

export function randomRisk(rng: Rng, options: { volatility: number; barMs: number }): RiskOptions {
  const fraction = (scale: number): number => 0.0001 + options.volatility * scale * rng.next();
  return {
    ...(rng.below(3) === 0 ? { stopFraction: fraction(4) } : {}),
    ...(rng.below(3) === 0 ? { targetFraction: fraction(2) } : {}),
    ...(rng.below(3) === 0 ? { trailingFraction: fraction(4) } : {}),
    ...(rng.below(4) === 0 ? { signalSeparationMs: rng.below(6) * options.barMs } : {}),
  };
}
