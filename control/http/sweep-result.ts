import type { SearchResult } from '#agent/contract/search-result';
import { METRICS, type MetricDescription } from '#agent/engine/backtest/metric-table';
import { stitchTests, windowChoice } from '#agent/engine/search/stitch';
import { trialStatistics } from '#agent/engine/statistics/trial-statistics';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { OperationRow } from '#control/store/operations';
import type { Sql } from '#control/store/sql';
import { chooseInWindows, hashUnits, rankUnits, summarizeTrials } from '#control/store/unit-ranking';

const BEST_UNITS = 10;

/** Made from the units of a sweep, so that it is there also for one that failed in part. */
export async function sweepResult(sql: Sql, row: OperationRow): Promise<Record<string, unknown>> {
  const metric = rankedBy(row, undefined);
  const search = isWalkForward(row) ? await walkForwardOf(sql, row) : await trialsOf(sql, row);
  const best = await rankUnits(sql, row.operationId, bestBy(metric, BEST_UNITS));
  return {
    trial_count: row.unitsDone,
    units_total: row.unitsTotal,
    rank_by: metric.name,
    ...search,
    best: best.map(({ rank, unitIndex, parameters, metrics }) => ({
      rank,
      unit_index: unitIndex,
      parameters,
      metrics,
    })),
    result_sha256: await hashUnits(sql, row.operationId),
  };
}

type Proof = Pick<SearchResult, 'trials' | 'walk_forward'>;

async function trialsOf(sql: Sql, row: OperationRow): Promise<Proof> {
  const sharpe = { name: 'sharpe_ratio', isHigherBetter: true };
  const [best] = await rankUnits(sql, row.operationId, bestBy(sharpe, 1));
  const summary = await summarizeTrials(sql, row.operationId);
  return { trials: trialStatistics(summary, best?.metrics ?? null), walk_forward: null };
}

async function walkForwardOf(sql: Sql, row: OperationRow): Promise<Proof> {
  const metric = rankedBy(row, undefined);
  const chosen = await chooseInWindows(sql, row.operationId, {
    metric: metric.name,
    higherIsBetter: metric.isHigherBetter,
  });
  const windows = chosen.map(windowChoice);
  return { trials: null, walk_forward: { windows, out_of_sample: stitchTests(windows) } };
}

function bestBy(metric: UnitMetric, limit: number): Parameters<typeof rankUnits>[2] {
  const { name, isHigherBetter } = metric;
  return { metric: name, higherIsBetter: isHigherBetter, order: 'best', limit, offset: 0 };
}

/** A key of the metrics of a sweep's units. */
export interface UnitMetric {
  name: string;
  isHigherBetter: boolean;
}

/**
 * The metric that was asked for, or the one that the sweep is ranked by. A walk forward has each metric
 * twice, as `train.<metric>` and `test.<metric>`; a bare name means that of the training part, since to
 * rank by the test would be to look ahead. Throws Fault `invalid` with the nearest name.
 */
export function rankedBy(row: OperationRow, asked: string | undefined): UnitMetric {
  if (row.role !== 'parent') {
    throw new Fault(
      'invalid',
      `Cannot rank the units of ${row.operationId}: it is a ${row.kind} without units`,
    );
  }
  const ranked = row.parameters['rank_by'];
  const name = asked ?? (typeof ranked === 'string' ? ranked : 'sharpe_ratio');
  if (!isWalkForward(row)) return { name, isHigherBetter: isHigherBetter(name, name) };
  const [, part = 'train.', bare = name] = /^(train\.|test\.)(.*)$/.exec(name) ?? [];
  return { name: `${part}${bare}`, isHigherBetter: isHigherBetter(bare, name) };
}

function isHigherBetter(name: string, asked: string): boolean {
  const metric: MetricDescription | undefined = METRICS.find((candidate) => candidate.name === name);
  if (metric) return metric.better === 'higher';
  const names = METRICS.map((candidate) => candidate.name);
  const suggestion = nearest(name, names);
  throw new Fault('invalid', `Cannot rank by "${asked}": there is no such metric`, {
    hint: suggestion ? `did you mean "${suggestion}"?` : `metrics: ${names.join(', ')}`,
  });
}

function isWalkForward({ parameters }: OperationRow): boolean {
  const { search } = parameters;
  return (
    typeof search === 'object' && search !== null && 'method' in search && search.method === 'walk_forward'
  );
}
