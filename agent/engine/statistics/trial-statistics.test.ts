import { expect, test } from 'bun:test';
import { trialStatistics, type TrialSummary } from './trial-statistics';

const summary: TrialSummary = { trialCount: 2016, sharpeCount: 2000, sharpeMean: 0.1, sharpeVariance: 0.04 };
const best = {
  sharpe_ratio: 0.9,
  skewness: -0.2,
  kurtosis: 8,
  daily_returns_count: 2520,
  periods_per_year: 252,
};

test('the best of many trials is judged in words, with the figures behind them', () => {
  const judged = trialStatistics(summary, best);
  expect(judged.verdict).toBe('no evidence of skill after 2,016 trials: deflated Sharpe 0.74 (needs 0.95)');
  expect(judged).toMatchObject({
    trial_count: 2016,
    sharpe_count: 2000,
    is_evidence: false,
    confidence: 0.95,
  });
  expect(judged.best_sharpe_ratio).toBe(0.9);
  // √0.04 times what the formula gives for 2,016 trials, annualised like the ratios themselves.
  expect(judged.expected_max_sharpe_ratio).toBeCloseTo(0.2 * 3.449446, 6);
  expect(judged.probabilistic_sharpe_ratio).toBeGreaterThan(0.99);
  expect(judged.min_track_record_length).toBeLessThan(2520);
});

test('the same ratio found by one trial is evidence', () => {
  const alone = { trialCount: 1, sharpeCount: 1, sharpeMean: 0.9, sharpeVariance: null };
  const judged = trialStatistics(alone, best);
  expect(judged.verdict).toMatch(/^evidence of skill after 1 trial: deflated Sharpe 0\.99 \(needs 0\.95\)$/);
  expect(judged.is_evidence).toBeTrue();
  expect(judged.deflated_sharpe_ratio).toBe(judged.probabilistic_sharpe_ratio);
});

test('a probability just below the limit does not read as enough', () => {
  const close = { ...best, sharpe_ratio: 0.5199, skewness: 0, kurtosis: 3 };
  const alone = { trialCount: 1, sharpeCount: 1, sharpeMean: 0.5, sharpeVariance: null };
  const judged = trialStatistics(alone, close);
  expect(judged.deflated_sharpe_ratio).toBeGreaterThan(0.9495);
  expect(judged.verdict).toBe('no evidence of skill after 1 trial: deflated Sharpe 0.94 (needs 0.95)');
});

test('without a Sharpe ratio, or without what a judgement needs, there is no evidence', () => {
  const nothing = 'no evidence of skill after 3 trials: none has returns that can be judged';
  const none = { trialCount: 3, sharpeCount: 0, sharpeMean: null, sharpeVariance: null };
  expect(trialStatistics(none, null)).toMatchObject({ verdict: nothing, is_evidence: false });
  // Units of an earlier version have no skewness.
  const old = trialStatistics({ ...none, sharpeCount: 3 }, { sharpe_ratio: 2 });
  expect(old).toMatchObject({ verdict: nothing, best_sharpe_ratio: 2, deflated_sharpe_ratio: null });
});
