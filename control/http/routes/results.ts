import { isTerminal } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import type { OperationRow } from '#control/store/operations';
import { readResult } from '#control/store/operations';
import { withTables } from '#control/store/result-tables';
import { rankUnits } from '#control/store/unit-ranking';
import type { ControlContext } from '#control/http/context';
import { unitsFile } from '#control/http/exports/units-file';
import { rowOf } from '#control/http/operation-rows';
import type { Handlers } from '#control/http/route';
import { rankedBy, sweepResult } from '#control/http/sweep-result';

/** Results, metrics, and the ranked units of sweeps. */
export function resultHandlers(
  context: ControlContext,
): Pick<Handlers, 'getResults' | 'getMetrics' | 'listUnits'> {
  const { database } = context;
  return {
    async getResults({ params }) {
      const row = await rowOf(context, params.operation_id);
      const result = await resultOf(context, row);
      return { success: true, data: await withTables(database.sql, row, result) };
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
      if (query.format !== 'json') return await unitsFile(database.sql, row.operationId, query.format);
      const units = await rankUnits(database.sql, params.operation_id, {
        metric: metric.name,
        higherIsBetter: metric.isHigherBetter,
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

async function resultOf(context: ControlContext, row: OperationRow): Promise<Record<string, unknown>> {
  if (row.role === 'parent') {
    if (!isTerminal(row.status)) throw notOver(row);
    return await sweepResult(context.database.sql, row);
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
