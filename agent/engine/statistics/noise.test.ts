import { describe, expect, test } from 'bun:test';
import type { TrialStatistics } from '#agent/contract/search-result';
import { seededRng } from '#agent/kit/rng';
import type { Rng } from '#agent/kit/rng';
import { toKtrdrMetrics } from '#agent/engine/backtest/ktrdr';
import { COLLECT_METRICS_ONLY } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { planSweep } from '#agent/engine/search/plan';
import type { GridSpecification } from '#agent/engine/search/specification';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { randomBars } from '#test/support/random-bars';
import { CONFIDENCE } from './sharpe';
import { trialStatistics } from './trial-statistics';
import type { UnitMetrics } from './trial-statistics';

const SEEDS = 200;
const TRIALS = 500;
/**
 * At 5 % the judgement may err on 10 of 200 seeds. It was made to err on fewer, so the whole 5 % is the
 * bound, without the 5 more that chance would allow a judgement of exactly that size.
 */
const EVIDENCE_MAX = 0.05 * SEEDS;

const SEARCHES: Readonly<Record<string, GridSpecification>> = {
  sma_cross: { fast: { from: 2, to: 21, step: 1 }, slow: { from: 22, to: 118, step: 4 } },
  rsi_reversion: {
    period: { from: 2, to: 21, step: 1 },
    lower: { from: 10, to: 30, step: 5 },
    upper: { from: 60, to: 80, step: 5 },
  },
};

/** Without costs, which would only make noise look worse. */
function search(bars: Bars, strategyName: string): TrialStatistics {
  const strategy = strategyNamed(strategyName);
  const plan = planSweep(strategy, SEARCHES[strategyName]);
  const cache = createIndicatorCache();
  const sharpes: number[] = [];
  let best: UnitMetrics | null = null;
  for (let unit = 0; unit < plan.unitCount; unit++) {
    const { metrics } = runBacktest({
      bars,
      strategy,
      parameters: plan.parametersAt(unit),
      cache,
      costs: { commissionRate: 0, slippageRate: 0 },
      capital: { initialCapital: 1e6, positionFraction: 1 },
      collect: COLLECT_METRICS_ONLY,
    });
    const { sharpeRatio } = metrics;
    if (sharpeRatio === null) continue;
    if (sharpeRatio > (best?.['sharpe_ratio'] ?? -Infinity)) best = toKtrdrMetrics(metrics);
    sharpes.push(sharpeRatio);
  }
  const mean = sharpes.reduce((sum, sharpe) => sum + sharpe, 0) / sharpes.length;
  const squares = sharpes.reduce((sum, sharpe) => sum + (sharpe - mean) ** 2, 0);
  const summary = {
    trialCount: plan.unitCount,
    sharpeCount: sharpes.length,
    sharpeMean: mean,
    sharpeVariance: squares / (sharpes.length - 1),
  };
  return trialStatistics(summary, best);
}

describe(`the best of ${TRIALS} trials`, () => {
  test.each(Object.keys(SEARCHES))(
    `of %s on noise is called evidence for at most 5 % of ${SEEDS} seeds`,
    (strategyName) => {
      let evidence = 0;
      let believedAlone = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const judged = search(randomBars(seededRng(seed), { length: 500 }), strategyName);
        expect(judged.trial_count).toBe(TRIALS);
        if (judged.is_evidence) evidence++;
        if ((judged.probabilistic_sharpe_ratio ?? 0) >= CONFIDENCE) believedAlone++;
      }
      console.log(`${strategyName}: evidence ${evidence}, without deflating ${believedAlone}, of ${SEEDS}`);
      expect(evidence).toBeLessThanOrEqual(EVIDENCE_MAX);
      // The same winners without the count of trials fool one in five: there was something to deflate.
      expect(believedAlone).toBeGreaterThan(4 * EVIDENCE_MAX);
    },
    60_000,
  );

  test('finds the skill of following trends where there are trends, and none in the same moves shuffled', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const rng = seededRng(seed);
      const moves = trendingMoves(rng, 1000);
      const found = search(barsOf(moves), 'sma_cross');
      expect(found.verdict).toStartWith('evidence of skill after 500 trials: deflated Sharpe 0.9');
      const shuffled = search(barsOf(shuffle(rng, moves)), 'sma_cross');
      expect(shuffled.verdict).toStartWith('no evidence of skill after 500 trials: deflated Sharpe 0.');
    }
  });
});

/** Daily moves of some 0.8 % whose mean of ±0.3 % turns every 100 days: down as often as up, so no gift. */
function trendingMoves(rng: Rng, count: number): number[] {
  let drift = 0.003;
  return Array.from({ length: count }, (_, day) => {
    if (day % 100 === 0) drift = -drift;
    return drift + 0.02 * (rng.next() + rng.next() - 1);
  });
}

function shuffle(rng: Rng, moves: readonly number[]): number[] {
  const shuffled = [...moves];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    const other = shuffled[j] as number;
    shuffled[j] = shuffled[i] as number;
    shuffled[i] = other;
  }
  return shuffled;
}

function barsOf(moves: readonly number[]): Bars {
  const times = randomBars(seededRng(1), { length: moves.length });
  const close = new Float64Array(moves.length);
  const open = new Float64Array(moves.length);
  let price = 100;
  for (const [day, move] of moves.entries()) {
    open[day] = price;
    price *= 1 + move;
    close[day] = price;
  }
  const high = open.map((value, day) => Math.max(value, close[day] as number));
  const low = open.map((value, day) => Math.min(value, close[day] as number));
  return createBars('TREND', '1d', { ...times, open, high, low, close });
}
