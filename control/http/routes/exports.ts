import { countRows, eachEquity, eachTrades, listEquity, listTrades } from '#control/store/backtest-results';
import type { OperationRow } from '#control/store/operations';
import { Fault } from '#agent/kit/error';
import type { ControlContext } from '#control/http/context';
import { ROWS_PER_PART, tableAnswer } from '#control/http/exports/answer';
import { EQUITY_COLUMNS, TRADE_COLUMNS } from '#control/http/exports/columns';
import { rowOf } from '#control/http/operation-rows';
import type { Handlers } from '#control/http/route';

/** Trades and equity of a backtest, as JSON in pages and as files. */
export function exportHandlers(context: ControlContext): Pick<Handlers, 'listTrades' | 'listEquity'> {
  const { sql } = context.database;
  return {
    async listTrades({ params, query }) {
      const { operationId } = checkBacktest(await rowOf(context, params.operation_id));
      if (query.format !== 'json') {
        const parts = eachTrades(sql, operationId, ROWS_PER_PART);
        return tableAnswer(query.format, {
          name: `${operationId}_trades`,
          columns: TRADE_COLUMNS,
          parts,
        });
      }
      const data = await listTrades(sql, operationId, query);
      const { trades } = await countRows(sql, operationId);
      return { success: true, data, total_count: trades, active_count: trades };
    },

    async listEquity({ params, query }) {
      const { operationId } = checkBacktest(await rowOf(context, params.operation_id));
      if (query.format !== 'json') {
        const parts = eachEquity(sql, operationId, ROWS_PER_PART);
        return tableAnswer(query.format, { name: `${operationId}_equity`, columns: EQUITY_COLUMNS, parts });
      }
      const data = await listEquity(sql, operationId, query);
      const { equityPoints } = await countRows(sql, operationId);
      return { success: true, data, total_count: equityPoints, active_count: equityPoints };
    },
  };
}

function checkBacktest(row: OperationRow): OperationRow {
  const id = row.operationId;
  if (row.kind !== 'backtesting') {
    throw new Fault('invalid', `Cannot export the trades of ${id}: it is a ${row.kind}, not a backtest`, {
      hint: `the units of a sweep: ktrdr-agent export ${row.parentId ?? id} --what units`,
    });
  }
  if (row.status === 'completed') return row;
  throw new Fault('conflict', `Cannot export the trades of ${id}: it is ${row.status}`, {
    hint: row.status === 'failed' ? `see why: ktrdr-agent show ${id}` : `ktrdr-agent follow ${id}`,
  });
}
