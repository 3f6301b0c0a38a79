import { cancelOperation, retryOperation } from '#control/store/cancel';
import { readLogs } from '#control/store/logs';
import { listOperations, type OperationPage } from '#control/store/operations';
import type { ControlContext } from '#control/http/context';
import { detailed, listed } from '#control/http/operation-detail';
import { operationEvents } from '#control/http/operation-events';
import { rowOf } from '#control/http/operation-rows';
import type { Handlers } from '#control/http/route';
import { eventStream } from '#control/http/sse';
import { operationOnWire } from '#control/http/wire';

type OperationHandlers = Pick<
  Handlers,
  | 'listOperations'
  | 'getOperation'
  | 'listChildren'
  | 'getLogs'
  | 'streamOperation'
  | 'cancelOperation'
  | 'retryOperation'
>;

export function operationHandlers(context: ControlContext): OperationHandlers {
  const { database, changed, wake } = context;
  return {
    async listOperations({ query }) {
      const page = await listOperations(database.sql, {
        ...(query.status === undefined ? {} : { status: query.status }),
        ...(query.operation_type === undefined ? {} : { kind: query.operation_type }),
        activeOnly: query.active_only,
        limit: query.limit,
        offset: query.offset,
      });
      return await listReply(context, page);
    },

    async getOperation({ params }) {
      return { success: true, data: await detailed(context, params.operation_id) };
    },

    async listChildren({ params, query }) {
      await rowOf(context, params.operation_id);
      const filter = { parentId: params.operation_id, activeOnly: false, ...query };
      return await listReply(context, await listOperations(database.sql, filter));
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
      return { success: true, data: { lines, cursor: lines.at(-1)?.cursor ?? query.after } };
    },

    async streamOperation({ params, signal }) {
      await rowOf(context, params.operation_id);
      const over = AbortSignal.any([signal, context.stopping]);
      return eventStream(operationEvents(context, params.operation_id, over));
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

async function listReply(context: ControlContext, { rows, totalCount, activeCount }: OperationPage) {
  return {
    success: true as const,
    data: await listed(context, rows),
    total_count: totalCount,
    active_count: activeCount,
  };
}
