import { readBacktestTables, storeBacktest } from './backtest-results';
import type { Sql } from './sql';

/** A kind whose results have more than fits a row: the rest is in tables of its own. */
interface ResultTables {
  /** Writes the rows, in the transaction that accepts the result, and returns what stays in `operation.result`. */
  store(sql: Sql, operationId: string, result: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** What `store` took out of the result. */
  read(sql: Sql, operationId: string): Promise<Record<string, unknown>>;
}

const TABLES: Readonly<Record<string, ResultTables>> = {
  backtesting: { store: storeBacktest, read: readBacktestTables },
};

/** The part of a result that is kept in the operation's row, after the rest was written to its tables. */
export async function storeTables(
  sql: Sql,
  operation: { operationId: string; kind: string },
  result: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  return (await TABLES[operation.kind]?.store(sql, operation.operationId, result)) ?? result;
}

/** A stored result, whole again. */
export async function withTables(
  sql: Sql,
  operation: { operationId: string; kind: string },
  result: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  return { ...(await TABLES[operation.kind]?.read(sql, operation.operationId)), ...result };
}
