import { METRICS, type MetricDescription } from '#agent/engine/backtest/metric-table';
import { isTerminal } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { OperationRow } from '#control/store/operations';
import { readResult } from '#control/store/operations';
import { hashUnits, rankUnits } from '#control/store/unit-ranking';
import type { ControlContext } from '#control/http/context';
import { rowOf } from '#control/http/operation-rows';
import type { Handlers } from '#control/http/route';

/** Results, metrics, and the ranked units of sweeps. */
export function resultHandlers(
  context: ControlContext,
): Pick<Handlers, 'getResults' | 'getMetrics' | 'listUnits'> {
  const { database } = context;
  return {
    async getResults({ params }) {
      return { success: true, data: await resultOf(context, await rowOf(context, params.operation_id)) };
    },

    async getMetrics({ params }) {
      const { metrics } = await resultOf(context, await rowOf(context, params.operation_id));
      if (typeof metrics === 'object' && metrics !== null) return { success: true, data: { ...metrics } };
      throw new Fault('not_found', `Cannot show metrics of ${params.operation_id}: its result has none`, {
        hint: 'the units of a sweep have metrics: GET …/units',
      });
    },

    async listUnits({ params, query }) {
      const row = await rowOf(context, params.operation_id);
      const metric = rankedBy(row, query.rank_by);
      const units = await rankUnits(database.sql, params.operation_id, {
        metric: metric.name,
        higherIsBetter: metric.better === 'higher',
        order: query.order,
        limit: query.limit,
        offset: query.offset,
      });
      const data = units.map((unit) => ({
        rank: unit.rank,
        unit_index: unit.unitIndex,
        parameters: unit.parameters,
        metrics: unit.metrics,
      }));
      const left = (row.unitsTotal ?? row.unitsDone) - row.unitsDone;
      return {
        success: true,
        data,
        total_count: row.unitsDone,
        active_count: left,
        rank_by: metric.name,
        units_total: row.unitsTotal ?? row.unitsDone,
      };
    },
  };
}

/** A sweep's result is made from its units, so that it is there also for one that failed in part. */
async function resultOf(context: ControlContext, row: OperationRow): Promise<Record<string, unknown>> {
  if (row.role === 'parent') {
    if (!isTerminal(row.status)) throw notOver(row);
    const metric = rankedBy(row, undefined);
    const higherIsBetter = metric.better === 'higher';
    const best = await rankUnits(context.database.sql, row.operationId, {
      metric: metric.name,
      higherIsBetter,
      order: 'best',
      limit: 10,
      offset: 0,
    });
    return {
      trial_count: row.unitsDone,
      units_total: row.unitsTotal,
      rank_by: metric.name,
      best: best.map(({ rank, unitIndex, parameters, metrics }) => ({
        rank,
        unit_index: unitIndex,
        parameters,
        metrics,
      })),
      result_sha256: await hashUnits(context.database.sql, row.operationId),
    };
  }
  const result = await readResult(context.database.sql, row.operationId);
  if (row.status !== 'completed' || result === null) throw notOver(row);
  return result;
}

function notOver(row: OperationRow): Fault {
  return new Fault('conflict', `Cannot show the result of ${row.operationId}: it is ${row.status}`, {
    hint:
      row.status === 'failed'
        ? `see why: ktrdr-agent show ${row.operationId}`
        : `ktrdr-agent follow ${row.operationId}`,
  });
}

function rankedBy(row: OperationRow, asked: string | undefined): MetricDescription {
  if (row.role !== 'parent') {
    throw new Fault(
      'invalid',
      `Cannot rank the units of ${row.operationId}: it is a ${row.kind} without units`,
    );
  }
  const ranked = row.parameters['rank_by'];
  const name = asked ?? (typeof ranked === 'string' ? ranked : 'sharpe_ratio');
  const metric = METRICS.find((candidate) => candidate.name === name);
  if (metric) return metric;
  const names = METRICS.map((candidate) => candidate.name);
  const suggestion = nearest(name, names);
  throw new Fault('invalid', `Cannot rank by "${name}": there is no such metric`, {
    hint: suggestion ? `did you mean "${suggestion}"?` : `metrics: ${names.join(', ')}`,
  });
}
