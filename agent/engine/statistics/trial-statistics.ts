import type { TrialStatistics } from '#agent/contract/search-result';
import {
  CONFIDENCE,
  deflatedSharpe,
  expectedMaximumSharpe,
  minimumTrackRecordLength,
  probabilisticSharpe,
} from './sharpe';
import type { TrackRecord } from './sharpe';

/** Over all trials of a search; Sharpe ratios annualised, as the metric `sharpe_ratio` is. */
export interface TrialSummary {
  /** Trials with a result. */
  readonly trialCount: number;
  /** Those of them that have a Sharpe ratio: one that never traded has none. */
  readonly sharpeCount: number;
  readonly sharpeMean: number | null;
  /** With n − 1. */
  readonly sharpeVariance: number | null;
}

/** The metrics of a unit under their wire names. */
export type UnitMetrics = Readonly<Record<string, number | null | undefined>>;

/**
 * Judges the trial with the highest Sharpe ratio against all that were tried. A trial without a Sharpe
 * ratio counts as tried. "Skill" is a true Sharpe ratio above 0; holding the asset may have one, too.
 */
export function trialStatistics(summary: TrialSummary, best: UnitMetrics | null): TrialStatistics {
  const record = best === null ? null : trackRecordOf(best);
  const trials = {
    count: summary.trialCount,
    sharpeVariance: (summary.sharpeVariance ?? 0) / (record?.periodsPerYear ?? 1),
  };
  const deflated = record === null ? null : deflatedSharpe(record, trials);
  const isEvidence = deflated !== null && deflated >= CONFIDENCE;
  return {
    trial_count: summary.trialCount,
    sharpe_count: summary.sharpeCount,
    sharpe_mean: summary.sharpeMean,
    sharpe_variance: summary.sharpeVariance,
    best_sharpe_ratio: best?.['sharpe_ratio'] ?? null,
    expected_max_sharpe_ratio:
      record === null ? null : expectedMaximumSharpe(trials) * Math.sqrt(record.periodsPerYear),
    probabilistic_sharpe_ratio: record === null ? null : probabilisticSharpe(record),
    deflated_sharpe_ratio: deflated,
    min_track_record_length: record === null ? null : minimumTrackRecordLength(record),
    confidence: CONFIDENCE,
    is_evidence: isEvidence,
    verdict: verdictOf({ deflated, trialCount: summary.trialCount, isEvidence }),
  };
}

/** Null when one of the figures is undefined, as for a trial that never traded. */
export function trackRecordOf(metrics: UnitMetrics): (TrackRecord & { periodsPerYear: number }) | null {
  const { sharpe_ratio: sharpe, skewness, kurtosis } = metrics;
  const { daily_returns_count: returnsCount, periods_per_year: periodsPerYear } = metrics;
  if (!isNumber(sharpe) || !isNumber(skewness) || !isNumber(kurtosis)) return null;
  if (!isNumber(returnsCount) || !isNumber(periodsPerYear)) return null;
  return { sharpe: sharpe / Math.sqrt(periodsPerYear), returnsCount, skewness, kurtosis, periodsPerYear };
}

/** "no evidence of skill after 2,016 trials: deflated Sharpe 0.41 (needs 0.95)" */
function verdictOf(judged: { deflated: number | null; trialCount: number; isEvidence: boolean }): string {
  const count = judged.trialCount.toString().replaceAll(/\B(?=(\d{3})+$)/g, ',');
  const searched = `after ${count} ${judged.trialCount === 1 ? 'trial' : 'trials'}`;
  const { deflated } = judged;
  if (deflated === null) return `no evidence of skill ${searched}: none has returns that can be judged`;
  const finding = judged.isEvidence ? 'evidence of skill' : 'no evidence of skill';
  return `${finding} ${searched}: deflated Sharpe ${probabilityText(deflated)} (needs ${CONFIDENCE})`;
}

/** Rounded down, so that 0.9499 does not read as enough. */
export function probabilityText(probability: number): string {
  return (Math.floor(probability * 100 + 1e-9) / 100).toFixed(2);
}

function isNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}
