import { afterAll, beforeAll, expect, test } from 'bun:test';
import { searchResultSchema } from '#agent/contract/search-result';
import { present } from '#agent/kit/assert';
import type { OperationRow } from '#control/store/operations';
import { findOperation } from '#control/store/operations';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { addNode, addSweep, claim, reportMetrics } from '#test/support/store-fleet';
import { rankedBy, sweepResult } from './sweep-result';

describeOnEachServer('the result of a sweep', (server) => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase(server);
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  /** A sweep with the metrics of its units, one batch. */
  async function sweepOf(
    metrics: Array<Record<string, number | null>>,
    parameters: Record<string, unknown>,
  ): Promise<OperationRow> {
    const { database } = fresh;
    await database.sql`delete from operation`;
    const node = await addNode(database, 'one');
    const id = await addSweep(database, metrics.length, metrics.length);
    const grant = present((await claim(database, node)).grants[0], 'a grant');
    await reportMetrics(database, grant, node, metrics);
    return { ...present(await findOperation(database.sql, id), id), unitsDone: metrics.length, parameters };
  }

  const shape = { skewness: 0, kurtosis: 3, daily_returns_count: 1000, periods_per_year: 252 };

  test('judges the trial with the best Sharpe ratio, whatever the ranking is by', async () => {
    const ratios = [0.5, 2, null, -1];
    const metrics = ratios.map((ratio, unit) => ({ ...shape, sharpe_ratio: ratio, total_return: -unit }));
    const row = await sweepOf(metrics, { rank_by: 'total_return', search: { method: 'grid' } });
    const result = await sweepResult(fresh.database.sql, row);
    expect(result).toMatchObject({
      trial_count: 4,
      rank_by: 'total_return',
      best: [{ unit_index: 0 }, {}, {}, {}],
    });
    const { trials, walk_forward } = searchResultSchema.parse(result);
    expect(walk_forward).toBeNull();
    expect(trials).toMatchObject({ trial_count: 4, sharpe_count: 3, best_sharpe_ratio: 2, sharpe_mean: 0.5 });
    expect(trials?.sharpe_variance).toBeCloseTo(2.25, 12);
    expect(trials?.verdict).toMatch(/^(no )?evidence of skill after 4 trials: deflated Sharpe 0\.\d\d /);
  });

  test('of a walk forward has the choice of each window by its training, and the tests as one', async () => {
    const unit = (window: number, trained: number, tested: number) => ({
      window,
      'train.sharpe_ratio': trained,
      'test.sharpe_ratio': tested,
      'test.volatility': 0.2,
      'test.total_return_pct': tested / 10,
      ...Object.fromEntries(Object.entries(shape).map(([name, value]) => [`test.${name}`, value])),
    });
    const metrics = [unit(0, 1, 5), unit(0, 2, 1), unit(1, 3, -0.5), unit(1, 2, 5)];
    const row = await sweepOf(metrics, { rank_by: 'sharpe_ratio', search: { method: 'walk_forward' } });
    const result = await sweepResult(fresh.database.sql, row);
    const { trials, walk_forward, rank_by } = searchResultSchema.parse(result);
    expect([trials, rank_by]).toEqual([null, 'train.sharpe_ratio']);
    expect(
      walk_forward?.windows.map(({ unit_index, test: part }) => [unit_index, part['sharpe_ratio']]),
    ).toEqual([
      [1, 1],
      [2, -0.5],
    ]);
    expect(walk_forward?.out_of_sample).toMatchObject({
      windows: 2,
      windows_profitable: 1,
      daily_returns_count: 2000,
    });
    expect(walk_forward?.out_of_sample.total_return_pct).toBeCloseTo(1.1 * 0.95 - 1, 12);
    // Two parts of one deviation: the mean of their ratios, but for the spread between their means.
    expect(walk_forward?.out_of_sample.sharpe_ratio).toBeCloseTo(0.25, 2);

    expect(rankedBy(row, 'test.max_drawdown')).toEqual({ name: 'test.max_drawdown', isHigherBetter: false });
    expect(rankedBy(row, 'win_rate')).toEqual({ name: 'train.win_rate', isHigherBetter: true });
    expect(() => rankedBy(row, 'test.win_rat')).toThrow('Cannot rank by "test.win_rat"');
  });
});
