import { z } from 'zod';
import { unitMetricsSchema } from './operation';

const figure = z.number().nullable();

/** What a search of many trials proves. Ratios and their variance are annualised. */
export const trialStatisticsSchema = z.object({
  /** Units with a result. */
  trial_count: z.int(),
  /** Those that have a Sharpe ratio: one that never traded has none. */
  sharpe_count: z.int(),
  sharpe_mean: figure,
  sharpe_variance: figure,
  best_sharpe_ratio: figure,
  /** What the best of so many trials without skill would show. */
  expected_max_sharpe_ratio: figure,
  /** Probability that the best trial has a true Sharpe ratio above 0, had it been the only one. */
  probabilistic_sharpe_ratio: figure,
  /** The same above `expected_max_sharpe_ratio`. */
  deflated_sharpe_ratio: figure,
  /** Daily returns that the best trial would need to be believed above 0, had it been the only one. */
  min_track_record_length: figure,
  confidence: z.number(),
  is_evidence: z.boolean(),
  verdict: z.string(),
});
export type TrialStatistics = z.infer<typeof trialStatisticsSchema>;

/** The test parts of all windows of a walk forward as one track record. Ratios are annualised. */
export const stitchedTestsSchema = z.object({
  /** Windows whose test part has bars. */
  windows: z.int(),
  windows_profitable: z.int(),
  total_return_pct: z.number(),
  daily_returns_count: z.int(),
  sharpe_ratio: figure,
  skewness: figure,
  kurtosis: figure,
  probabilistic_sharpe_ratio: figure,
  confidence: z.number(),
  is_evidence: z.boolean(),
  verdict: z.string(),
  /** From 1 at the start of the first test part to its value at the end of each (opens of last bars). */
  equity: z.object({ time_ms: z.array(z.number()), equity: z.array(z.number()) }),
});
export type StitchedTests = z.infer<typeof stitchedTestsSchema>;

/** What one window chose by its training part, and how that did afterwards; parts have `from_ms`, `to_ms`. */
export const windowChoiceSchema = z.object({
  window: z.int(),
  unit_index: z.int(),
  parameters: z.record(z.string(), z.unknown()),
  train: unitMetricsSchema,
  test: unitMetricsSchema,
});
export type WindowChoice = z.infer<typeof windowChoiceSchema>;

/** The part of a sweep's result that says what it proves: `trials` of a grid or a sample, or a walk forward. */
export const searchResultSchema = z.object({
  rank_by: z.string(),
  trials: trialStatisticsSchema.nullable(),
  walk_forward: z
    .object({ windows: z.array(windowChoiceSchema), out_of_sample: stitchedTestsSchema })
    .nullable(),
});
export type SearchResult = z.infer<typeof searchResultSchema>;
