import type { StitchedTests, WindowChoice } from '#agent/contract/search-result';
import {
  combineMoments,
  kurtosis,
  momentsOf,
  NO_MOMENTS,
  skewness,
  standardDeviation,
} from '#agent/engine/statistics/moments';
import type { Moments } from '#agent/engine/statistics/moments';
import { CONFIDENCE, probabilisticSharpe } from '#agent/engine/statistics/sharpe';
import { probabilityText, trackRecordOf } from '#agent/engine/statistics/trial-statistics';
import type { UnitMetrics } from '#agent/engine/statistics/trial-statistics';

/** A unit of a walk forward, with the figures of both its parts as `WindowEvaluator` gives them. */
export interface WindowUnit {
  readonly unitIndex: number;
  readonly parameters: Record<string, unknown>;
  readonly metrics: Record<string, number | null>;
}

/** A chosen unit on the wire, its figures by part. */
export function windowChoice({ unitIndex, parameters, metrics }: WindowUnit): WindowChoice {
  return {
    window: metrics['window'] ?? 0,
    unit_index: unitIndex,
    parameters,
    train: partOf(metrics, 'train.'),
    test: partOf(metrics, 'test.'),
  };
}

function partOf(metrics: WindowUnit['metrics'], prefix: string): Record<string, number | null> {
  const entries = Object.entries(metrics).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(prefix.length), value]));
}

/**
 * Joins the test parts of the chosen units, in order of windows. Daily returns of one part after the
 * other are the returns of the whole: their count, mean, deviation, skewness and kurtosis follow exactly
 * from those of the parts. Since no test part was looked at when its parameters were chosen, the whole
 * is one trial, and its Sharpe ratio needs no deflating, however many combinations were tried.
 */
export function stitchTests(chosen: readonly WindowChoice[]): StitchedTests {
  const parts = chosen.map(({ test }) => test).filter(hasBars);
  const moments = parts.map((part) => momentsOfPart(part));
  const known = moments.filter((part) => part !== null);
  // A part that went to zero or below has no returns, so neither has the whole.
  const whole = known.length === moments.length ? known.reduce(combineMoments, NO_MOMENTS) : NO_MOMENTS;
  const perYear = parts[0]?.['periods_per_year'] ?? 1;
  const deviation = standardDeviation(whole) ?? 0;
  const figures = {
    sharpe_ratio: deviation > 0 ? (whole.mean / deviation) * Math.sqrt(perYear) : null,
    skewness: skewness(whole),
    kurtosis: kurtosis(whole),
    daily_returns_count: whole.count,
  };
  const record = trackRecordOf({ ...figures, periods_per_year: perYear });
  const probability = record === null ? null : probabilisticSharpe(record);
  const isEvidence = probability !== null && probability >= CONFIDENCE;
  const returns = parts.map((part) => part['total_return_pct'] ?? 0);
  return {
    windows: parts.length,
    windows_profitable: returns.filter((value) => value > 0).length,
    total_return_pct: returns.reduce(grow, 1) - 1,
    ...figures,
    probabilistic_sharpe_ratio: probability,
    confidence: CONFIDENCE,
    is_evidence: isEvidence,
    verdict: verdictOf({ probability, isEvidence, windows: parts.length }),
    equity: equityOf(parts),
  };
}

function hasBars(part: UnitMetrics): boolean {
  return typeof part['total_return_pct'] === 'number';
}

/** Null for a part without returns. A part without trades, or of one return, has no deviation. */
function momentsOfPart(part: UnitMetrics): Moments | null {
  const count = part['daily_returns_count'] ?? 0;
  const perYear = part['periods_per_year'] ?? 1;
  if (count === 0) return null;
  const { sharpe_ratio: sharpe, skewness: skew, kurtosis: kurt, volatility } = part;
  if (typeof sharpe === 'number' && typeof volatility === 'number') {
    // Sharpe = mean / s · √N and volatility = s · √N.
    const mean = (sharpe * volatility) / perYear;
    const deviation = volatility / Math.sqrt(perYear);
    return momentsOf({ count, mean, standardDeviation: deviation, skewness: skew ?? 0, kurtosis: kurt ?? 3 });
  }
  return { ...NO_MOMENTS, count, mean: (part['total_return_pct'] ?? 0) / count };
}

/** From nothing, or less, nothing grows. */
function grow(value: number, change: number): number {
  return value > 0 ? value * (1 + change) : value;
}

function equityOf(parts: readonly UnitMetrics[]): StitchedTests['equity'] {
  const first = parts[0]?.['from_ms'];
  const equity = { time_ms: [first ?? 0], equity: [1] };
  let value = 1;
  for (const part of parts) {
    value = grow(value, part['total_return_pct'] ?? 0);
    equity.time_ms.push(part['to_ms'] ?? 0);
    equity.equity.push(value);
  }
  return parts.length === 0 ? { time_ms: [], equity: [] } : equity;
}

/** "no evidence of skill out of sample in 14 windows: probabilistic Sharpe 0.41 (needs 0.95)" */
function verdictOf(judged: { probability: number | null; isEvidence: boolean; windows: number }): string {
  const { probability, windows } = judged;
  const where = `out of sample in ${windows} ${windows === 1 ? 'window' : 'windows'}`;
  if (probability === null) return `no evidence of skill ${where}: there are no returns to judge`;
  const finding = judged.isEvidence ? 'evidence of skill' : 'no evidence of skill';
  return `${finding} ${where}: probabilistic Sharpe ${probabilityText(probability)} (needs ${CONFIDENCE})`;
}
