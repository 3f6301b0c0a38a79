import type { BacktestTrade } from '#agent/contract/backtest';
import type { Operation, Provenance } from '#agent/contract/operation';
import type { BacktestReport } from '#agent/cli/report/backtest-report';
import type { SweepReport } from '#agent/cli/report/sweep-report';

/** What a symbol, a parameter or an agent might be called by somebody who means harm. */
export const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'&<!--';

const DAY_MS = 86_400_000;

const provenance: Provenance = {
  version: '1.2.3',
  commit: 'abcdef',
  target: 'linux-x64',
  binary_sha256: 'b'.repeat(64),
  parameters_sha256: 'c'.repeat(64),
  data_hash: 'd'.repeat(64),
  result_sha256: 'e'.repeat(64),
  worker_id: 'f'.repeat(32),
  worker_name: HOSTILE,
};

function operation(kind: string): Operation {
  return {
    operation_id: `op_${kind}_20260131_235959_1a2b3c4d`,
    operation_type: kind,
    status: 'completed',
    priority: 3,
    progress: {
      percentage: 100,
      current_step: null,
      steps_completed: 0,
      steps_total: 0,
      items_processed: 3,
      items_total: 3,
      current_item: null,
      eta_seconds: 0,
    },
    metadata: { strategy_name: 'sma_cross', symbol: HOSTILE, timeframe: '1d', parameters: { note: HOSTILE } },
    created_at: '2026-01-31T23:59:59Z',
    started_at: '2026-01-31T23:59:59Z',
    completed_at: '2026-01-31T23:59:59Z',
    cancel_requested_at: null,
    error_message: null,
    error: null,
    warnings: [],
    result_summary: null,
    parent_operation_id: null,
    worker_id: null,
    worker_name: null,
    epoch: 1,
    attempts_failed: 0,
    attempts_lost: 0,
    provenance,
    waiting_reason: null,
  };
}

function trade(id: number): BacktestTrade {
  return {
    trade_id: id,
    symbol: 'X',
    side: id % 2 === 0 ? 'SHORT' : 'LONG',
    entry_price: 100,
    entry_time: new Date(id * DAY_MS).toISOString(),
    exit_price: 101,
    exit_time: new Date((id + 1) * DAY_MS).toISOString(),
    quantity: 10,
    gross_pnl: 10,
    commission: 1,
    slippage: 0.5,
    net_pnl: id % 3 === 0 ? -9 : 9,
    holding_period_hours: 24,
    max_favorable_excursion: 10,
    max_adverse_excursion: -1,
    decision_metadata: { exit_reason: HOSTILE },
  };
}

/** A backtest of so many days with a trade on each tenth. */
export function backtestExample(days = 40): BacktestReport {
  const indices = Array.from({ length: days }, (_, index) => index);
  return {
    operation: operation('backtesting'),
    metrics: { total_return_pct: 0.1, sharpe_ratio: null, total_trades: Math.floor(days / 10) },
    equity: indices.map((day) => ({
      time: new Date(day * DAY_MS).toISOString(),
      equity: 1000 + 100 * Math.sin(day / 7),
    })),
    trades: indices.filter((day) => day % 10 === 9).map(trade),
    tradeCount: Math.floor(days / 10),
    prices: indices.map((day) => ({ timeMs: day * DAY_MS, close: 100 + day })),
    barCount: days,
    stride: 1,
    madeAt: '2026-02-01T00:00:00.000Z',
  };
}

/** A sweep of nine units over two parameters, and one that every unit shares. */
export function sweepExample(): SweepReport {
  const pairs = [1, 2, 3].flatMap((fast) => [10, 20, 30].map((slow) => ({ fast, slow })));
  return {
    operation: operation('sweep'),
    unitsTotal: 9,
    unitsDone: 9,
    rankBy: 'sharpe_ratio',
    isHigherBetter: true,
    best: [
      {
        rank: 1,
        unit_index: 8,
        parameters: { fast: 3, slow: 30, note: HOSTILE },
        metrics: { sharpe_ratio: 1.5, total_return_pct: 0.2 },
      },
    ],
    search: {
      rank_by: 'sharpe_ratio',
      trials: {
        trial_count: 9,
        sharpe_count: 8,
        sharpe_mean: 0.5,
        sharpe_variance: 0.1,
        best_sharpe_ratio: 1.5,
        expected_max_sharpe_ratio: 1.1,
        probabilistic_sharpe_ratio: 0.97,
        deflated_sharpe_ratio: 0.41,
        min_track_record_length: 512.5,
        confidence: 0.95,
        is_evidence: false,
        verdict: 'no evidence of skill after 9 trials: deflated Sharpe 0.41 (needs 0.95)',
      },
      walk_forward: null,
    },
    units: pairs.map(({ fast, slow }, index) => ({
      parameters: { fast: String(fast), slow: String(slow), note: HOSTILE },
      value: index === 4 ? null : index / 4 - 0.5,
      sharpe: index === 4 ? null : index / 4 - 0.5,
    })),
    shown: 'sharpe_ratio',
    axes: undefined,
    resultSha256: 'a'.repeat(64),
    provenances: [provenance, { ...provenance, worker_name: 'second' }],
    madeAt: '2026-02-01T00:00:00.000Z',
  };
}

/** The same sweep as a walk forward through two windows, the second of which lost. */
export function walkForwardExample(): SweepReport {
  const sweep = sweepExample();
  const part = (from: number, days: number, total_return_pct: number) => ({
    from_ms: from * DAY_MS,
    to_ms: (from + days) * DAY_MS,
    total_return_pct,
    sharpe_ratio: total_return_pct * 10,
  });
  const parameters = { fast: 1, slow: 10 };
  return {
    ...sweep,
    rankBy: 'train.sharpe_ratio',
    shown: 'test.sharpe_ratio',
    search: {
      rank_by: 'train.sharpe_ratio',
      trials: null,
      walk_forward: {
        windows: [
          { window: 0, unit_index: 0, parameters, train: part(0, 100, 0.2), test: part(100, 50, 0.1) },
          { window: 1, unit_index: 9, parameters, train: part(50, 100, 0.1), test: part(150, 50, -0.05) },
        ],
        out_of_sample: {
          windows: 2,
          windows_profitable: 1,
          total_return_pct: 0.045,
          daily_returns_count: 100,
          sharpe_ratio: 0.3,
          skewness: 0,
          kurtosis: 3,
          probabilistic_sharpe_ratio: 0.6,
          confidence: 0.95,
          is_evidence: false,
          verdict: 'no evidence of skill out of sample in 2 windows: probabilistic Sharpe 0.60 (needs 0.95)',
          equity: { time_ms: [0, DAY_MS, 2 * DAY_MS], equity: [1, 1.1, 1.045] },
        },
      },
    },
  };
}
