import type { RoundTrip } from './simulate';

export interface TradeMetrics {
  totalTrades: number;
  winningTrades: number;
  losingTrades: number;
  winRate: number | null;
  profitFactor: number | null;
  avgHoldingPeriod: number | null;
  avgWinHoldingPeriod: number | null;
  avgLossHoldingPeriod: number | null;
  avgWin: number | null;
  avgLoss: number | null;
  largestWin: number | null;
  largestLoss: number | null;
  sqn: number | null;
  kelly: number | null;
}

export interface TradeMetricsOptions {
  /** Open time of each bar. */
  timeUs: Float64Array;
  barMs: number;
  /** A spread of results below this, in currency, is rounding and no spread. */
  noise: number;
}

const HOUR_MS = 3_600_000;

/**
 * Over net results p: a win is p > 0, a loss p < 0. SQN = √n · mean(p) / std(p, ddof 1);
 * Kelly = W − (1 − W) / (avg win / |avg loss|) with W the share of wins.
 */
export function tradeMetrics(trips: readonly RoundTrip[], options: TradeMetricsOptions): TradeMetrics {
  const all = createTally();
  const wins = createTally();
  const losses = createTally();
  let largestWin: number | null = null;
  let largestLoss: number | null = null;
  for (const trip of trips) {
    const hours = holdingHours(trip, options);
    const pnl = trip.netPnl;
    add(all, pnl, hours);
    if (pnl > 0) {
      add(wins, pnl, hours);
      largestWin = Math.max(largestWin ?? pnl, pnl);
    } else if (pnl < 0) {
      add(losses, pnl, hours);
      largestLoss = Math.min(largestLoss ?? pnl, pnl);
    }
  }
  const winRate = quotient(wins.count, all.count);
  const avgWin = quotient(wins.pnl, wins.count);
  const avgLoss = quotient(losses.pnl, losses.count);
  return {
    totalTrades: all.count,
    winningTrades: wins.count,
    losingTrades: losses.count,
    winRate,
    profitFactor: quotient(wins.pnl, -losses.pnl),
    avgHoldingPeriod: quotient(all.hours, all.count),
    avgWinHoldingPeriod: quotient(wins.hours, wins.count),
    avgLossHoldingPeriod: quotient(losses.hours, losses.count),
    avgWin,
    avgLoss,
    largestWin,
    largestLoss,
    sqn: systemQuality(trips, all, options.noise),
    kelly:
      winRate === null || avgWin === null || avgLoss === null
        ? null
        : winRate - (1 - winRate) / (avgWin / -avgLoss),
  };
}

interface Tally {
  count: number;
  pnl: number;
  hours: number;
}

function createTally(): Tally {
  return { count: 0, pnl: 0, hours: 0 };
}

function add(tally: Tally, pnl: number, hours: number): void {
  tally.count++;
  tally.pnl += pnl;
  tally.hours += hours;
}

function holdingHours(trip: RoundTrip, { timeUs, barMs }: TradeMetricsOptions): number {
  const elapsedUs = (timeUs[trip.exitBar] as number) - (timeUs[trip.entryBar] as number);
  return (elapsedUs / 1000 + (trip.exitAt === 'open' ? 0 : barMs)) / HOUR_MS;
}

function systemQuality(trips: readonly RoundTrip[], all: Tally, noise: number): number | null {
  if (all.count < 2) return null;
  const mean = all.pnl / all.count;
  let squares = 0;
  for (const trip of trips) squares += (trip.netPnl - mean) ** 2;
  const deviation = Math.sqrt(squares / (all.count - 1));
  return deviation < noise ? null : quotient(Math.sqrt(all.count) * mean, deviation);
}

function quotient(numerator: number, denominator: number): number | null {
  return denominator > 0 ? numerator / denominator : null;
}
