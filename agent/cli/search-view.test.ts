import { expect, test } from 'bun:test';
import type { SearchResult, TrialStatistics, WindowChoice } from '#agent/contract/search-result';
import { capturedShell } from '#test/support/captured-shell';
import { createOutput } from './output';
import { showSearch } from './search-view';

function shown(result: Partial<SearchResult>): string[] {
  const shell = capturedShell();
  showSearch(createOutput(shell, false), {
    rank_by: 'sharpe_ratio',
    trials: null,
    walk_forward: null,
    ...result,
  });
  return shell.out.split('\n').map((line) => line.trimEnd());
}

const trials: TrialStatistics = {
  trial_count: 2016,
  sharpe_count: 2016,
  sharpe_mean: 0.2,
  sharpe_variance: 0.01,
  best_sharpe_ratio: 0.49,
  expected_max_sharpe_ratio: 0.5512,
  probabilistic_sharpe_ratio: 0.98,
  deflated_sharpe_ratio: 0.41,
  min_track_record_length: 2900.5,
  confidence: 0.95,
  is_evidence: false,
  verdict: 'no evidence of skill after 2,016 trials: deflated Sharpe 0.41 (needs 0.95)',
};

test('a search of many trials ends with what it proves, in words', () => {
  expect(shown({ trials })).toEqual([
    'Best Sharpe 0.4900; the best of 2,016 trials without skill would show 0.5512.',
    'No evidence of skill after 2,016 trials: deflated Sharpe 0.41 (needs 0.95).',
    '',
  ]);
});

test('evidence comes with what it does not prove', () => {
  const verdict = 'evidence of skill after 2,016 trials: deflated Sharpe 0.97 (needs 0.95)';
  const lines = shown({ trials: { ...trials, deflated_sharpe_ratio: 0.97, is_evidence: true, verdict } });
  expect(lines.slice(1, 3)).toEqual([
    `E${verdict.slice(1)}.`,
    'A long position in a rising market passes this test, too: compare buy_and_hold_return.',
  ]);
});

test('without a figure the words alone are shown', () => {
  const verdict = 'no evidence of skill after 3 trials: none has returns that can be judged';
  const judged = { ...trials, best_sharpe_ratio: null, deflated_sharpe_ratio: null, verdict };
  expect(shown({ trials: judged })).toEqual([`N${verdict.slice(1)}.`, '']);
});

test('a walk forward shows what each window chose, and what came of it', () => {
  const choice = (window: number, fast: number, tested: number | null): WindowChoice => ({
    window,
    unit_index: window * 10,
    parameters: { fast, slow: 50 },
    train: { sharpe_ratio: 1.5 },
    test: {
      sharpe_ratio: tested,
      total_return_pct: tested === null ? null : tested / 10,
      from_ms: Date.UTC(2020, window, 1),
      to_ms: Date.UTC(2020, window, 28),
    },
  });
  const out_of_sample = {
    windows: 2,
    windows_profitable: 1,
    total_return_pct: 0.0123,
    daily_returns_count: 40,
    sharpe_ratio: 0.25,
    skewness: 0,
    kurtosis: 3,
    probabilistic_sharpe_ratio: 0.54,
    confidence: 0.95,
    is_evidence: false,
    verdict: 'no evidence of skill out of sample in 2 windows: probabilistic Sharpe 0.54 (needs 0.95)',
    equity: { time_ms: [], equity: [] },
  };
  const windows = [choice(0, 10, 0.75), choice(1, 20, null)];
  expect(shown({ rank_by: 'train.sharpe_ratio', walk_forward: { windows, out_of_sample } })).toEqual([
    'WINDOW  TESTED FROM  TO          fast  sharpe_ratio TRAINED  TESTED  RETURN',
    '     1  2020-01-01   2020-01-28    10                1.5000  0.7500  7.50 %',
    '     2  2020-02-01   2020-02-28    20                1.5000       –       –',
    'Out of sample 1.23 % over 40 days, Sharpe 0.2500; 1 of 2 windows made a profit.',
    'No evidence of skill out of sample in 2 windows: probabilistic Sharpe 0.54 (needs 0.95).',
    '',
  ]);
});
