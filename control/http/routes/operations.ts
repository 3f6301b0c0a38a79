import { jobKindNamed } from '#agent/jobs/registry';
import { METRICS, type MetricDescription } from '#agent/engine/backtest/metric-table';
import { isTerminal, type Operation } from '#agent/contract/operation';
import type { Refusal } from '#agent/contract/worker';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { placementNodes } from '#control/schedule/fleet';
import { place } from '#control/schedule/placement';
import { submit } from '#control/schedule/submit';
import { cancelOperation, noSuchOperation, retryOperation } from '#control/store/cancel';
import { readLogs } from '#control/store/logs';
import {
  findOperation,
  listAttempts,
  listOperations,
  readResult,
  type OperationRow,
} from '#control/store/operations';
import { hashUnits, rankUnits } from '#control/store/unit-ranking';
import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';
import { eventStream, ticks, type ServerSentEvent } from '#control/http/sse';
import { attemptOnWire, operationOnWire } from '#control/http/wire';

type OperationHandlers = Pick<
  Handlers,
  | 'startBacktest'
  | 'startSweep'
  | 'listOperations'
  | 'getOperation'
  | 'listChildren'
  | 'getResults'
  | 'getMetrics'
  | 'listUnits'
  | 'getLogs'
  | 'streamOperation'
  | 'cancelOperation'
  | 'retryOperation'
>;

export function operationHandlers(context: ControlContext): OperationHandlers {
  const { database, changed, wake } = context;
  const start =
    (kindName: string): Handlers['startBacktest'] =>
    async ({ body, query }) => {
      const id = await submit(
        {
          kind: jobKindNamed(kindName),
          parameters: body,
          idempotencyKey: query.idempotency_key ?? null,
          wait: query.wait,
          priority: query.priority ?? null,
        },
        {
          pinBars: (request) => context.barsFiles.pin(request),
          nodes: () => placementNodes(database.sql, context.times),
          warmingUp: context.sweeper.heldForMs > 0,
          transaction: context.transaction,
          nowMs: () => context.clock.nowMs(),
        },
      );
      changed(id, null);
      wake();
      return { success: true, data: operationOnWire(await rowOf(context, id)) };
    };

  return {
    startBacktest: start('backtesting'),
    startSweep: start('sweep'),

    async listOperations({ query }) {
      const page = await listOperations(database.sql, {
        ...(query.status === undefined ? {} : { status: query.status }),
        ...(query.operation_type === undefined ? {} : { kind: query.operation_type }),
        activeOnly: query.active_only,
        limit: query.limit,
        offset: query.offset,
      });
      return listReply(page);
    },

    async getOperation({ params }) {
      return { success: true, data: await detailed(context, params.operation_id) };
    },

    async listChildren({ params, query }) {
      await rowOf(context, params.operation_id);
      return listReply(
        await listOperations(database.sql, { parentId: params.operation_id, activeOnly: false, ...query }),
      );
    },

    async getResults({ params }) {
      return { success: true, data: await resultOf(context, await rowOf(context, params.operation_id)) };
    },

    async getMetrics({ params }) {
      const result = await resultOf(context, await rowOf(context, params.operation_id));
      const { metrics } = result;
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

    async getLogs({ params, query }) {
      await rowOf(context, params.operation_id);
      const rows = await readLogs(database.sql, params.operation_id, query.after, query.limit);
      const lines = rows.map(({ logLineId, operationId, nodeName, ...line }) => ({
        ...line,
        cursor: logLineId,
        operation_id: operationId,
        worker_name: nodeName,
      }));
      return { success: true, data: { lines, cursor: lines.at(-1)?.cursor ?? query.after, dropped: 0 } };
    },

    async streamOperation({ params, signal }) {
      await rowOf(context, params.operation_id);
      return eventStream(operationEvents(context, params.operation_id, signal));
    },

    async cancelOperation({ params, query }) {
      await context.transaction((sql) =>
        cancelOperation(sql, params.operation_id, { reason: query.reason ?? null, force: query.force }),
      );
      changed(params.operation_id, null);
      wake();
      return { success: true, data: operationOnWire(await rowOf(context, params.operation_id)) };
    },

    async retryOperation({ params }) {
      await context.transaction((sql) => retryOperation(sql, params.operation_id));
      changed(params.operation_id, null);
      wake();
      return { success: true, data: operationOnWire(await rowOf(context, params.operation_id)) };
    },
  };
}

async function rowOf(context: ControlContext, operationId: string): Promise<OperationRow> {
  const row = await findOperation(context.database.sql, operationId);
  if (!row) throw noSuchOperation(operationId);
  return row;
}

function listReply(page: { rows: OperationRow[]; totalCount: number; activeCount: number }) {
  return {
    success: true as const,
    data: page.rows.map(operationOnWire),
    total_count: page.totalCount,
    active_count: page.activeCount,
  };
}

async function detailed(context: ControlContext, operationId: string) {
  const row = await rowOf(context, operationId);
  const attempts = (await listAttempts(context.database.sql, operationId)).map(attemptOnWire);
  const { refusals, reason } = await waiting(context, row);
  return { ...operationOnWire(row), waiting_reason: reason, attempts, refusals };
}

/** Why an operation does not run yet: the answer of the same function that places work. */
async function waiting(
  context: ControlContext,
  row: OperationRow,
): Promise<{ refusals: Refusal[]; reason: string | null }> {
  if (row.status !== 'pending' && row.status !== 'resuming') return { refusals: [], reason: null };
  const nodes = await placementNodes(context.database.sql, context.times);
  const answer = place(row.needs, nodes);
  if (row.notBeforeInMs > 0) {
    return { refusals: [], reason: `tried again in ${Math.ceil(row.notBeforeInMs / 1000)} s after an error` };
  }
  if (answer.now) return { refusals: answer.refusals, reason: 'an agent takes it at its next poll' };
  const reason =
    nodes.length === 0 ? 'no agent is registered' : `none of ${nodes.length} agents can take it now`;
  return { refusals: answer.refusals, reason };
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
  const name = asked ?? String(row.parameters['rank_by'] ?? 'sharpe_ratio');
  const metric = METRICS.find((candidate) => candidate.name === name);
  if (metric) return metric;
  const names = METRICS.map((candidate) => candidate.name);
  const suggestion = nearest(name, names);
  throw new Fault('invalid', `Cannot rank by "${name}": there is no such metric`, {
    hint: suggestion ? `did you mean "${suggestion}"?` : `metrics: ${names.join(', ')}`,
  });
}

async function* operationEvents(
  context: ControlContext,
  operationId: string,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent, void> {
  const { changes, clock } = context;
  const level = ticks({
    changes,
    clock,
    signal,
    relevant: (change) =>
      change.type === 'operation' && (change.id === operationId || change.parentId === operationId),
    throttleMs: 250,
    periodMs: 2000,
  });
  let last = '';
  for await (const _ of level) {
    const operation: Operation = await detailed(context, operationId);
    const text = JSON.stringify(operation);
    if (text === last) yield 'keep-alive';
    else yield { event: 'operation', data: operation };
    last = text;
    if (isTerminal(operation.status)) {
      yield { event: 'end', data: { operation_id: operationId, status: operation.status } };
      return;
    }
  }
}
