import { z } from 'zod';
import { tradeSchema, type BacktestTrade, type EquityPoint } from '#agent/contract/backtest';
import { Fault } from '#agent/kit/error';
import { json, type Sql } from './sql';

/** The parts of a backtest's result that become rows; results of programs that know no trades have none. */
const tablesSchema = z.looseObject({
  trades: z.array(tradeSchema).optional(),
  equity: z.object({ time_ms: z.array(z.number()), equity: z.array(z.number()) }).optional(),
});

/**
 * Writes trades and equity, and returns the result without them. The caller's transaction holds the
 * operation's lock, so they are written with the one accepted result or not at all.
 */
export async function storeBacktest(
  sql: Sql,
  operationId: string,
  result: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const parsed = tablesSchema.safeParse(result);
  if (!parsed.success) {
    const why = z.prettifyError(parsed.error).split('\n')[0];
    throw new Fault('invalid', `Cannot accept the result of ${operationId}: ${why}`);
  }
  const { trades, equity, ...kept } = parsed.data;
  if (trades !== undefined && trades.length > 0) await insertTrades(sql, operationId, trades);
  if (equity !== undefined && equity.time_ms.length > 0) await insertEquity(sql, operationId, equity);
  return kept;
}

async function insertTrades(sql: Sql, operationId: string, trades: BacktestTrade[]): Promise<void> {
  const rows = trades.map(({ decision_metadata, ...trade }) => ({ ...trade, ...decision_metadata }));
  await sql`
    insert into backtest_trade (operation_id, trade_id, symbol, side, entry_price, entry_time, exit_price,
      exit_time, quantity, gross_pnl, commission, slippage, net_pnl, holding_period_hours,
      max_favorable_excursion, max_adverse_excursion, exit_reason)
    select ${operationId}, r.* from jsonb_to_recordset(${json(sql, rows)}) as r(
      trade_id integer, symbol text, side text, entry_price float8, entry_time timestamptz, exit_price float8,
      exit_time timestamptz, quantity float8, gross_pnl float8, commission float8, slippage float8,
      net_pnl float8, holding_period_hours float8, max_favorable_excursion float8,
      max_adverse_excursion float8, exit_reason text)`;
}

async function insertEquity(
  sql: Sql,
  operationId: string,
  equity: { time_ms: number[]; equity: number[] },
): Promise<void> {
  const points = equity.time_ms.map((ms, index) => ({
    at: new Date(ms).toISOString(),
    equity: equity.equity[index],
  }));
  await sql`
    insert into backtest_equity (operation_id, at, equity)
    select ${operationId}, r.at, r.equity
    from jsonb_to_recordset(${json(sql, points)}) as r(at timestamptz, equity float8)`;
}

export interface RowsPage {
  limit: number;
  offset: number;
}

export async function listTrades(sql: Sql, operationId: string, page: RowsPage): Promise<BacktestTrade[]> {
  const rows = await sql<TradeRow[]>`
    ${selectTrades(sql, operationId)} order by trade_id limit ${page.limit} offset ${page.offset}`;
  return rows.map(tradeOf);
}

export async function listEquity(sql: Sql, operationId: string, page: RowsPage): Promise<EquityPoint[]> {
  const rows = await sql<EquityRow[]>`
    ${selectEquity(sql, operationId)} order by at limit ${page.limit} offset ${page.offset}`;
  return rows.map(pointOf);
}

export async function countRows(
  sql: Sql,
  operationId: string,
): Promise<{ trades: number; equityPoints: number }> {
  const [row] = await sql<{ trades: number; equityPoints: number }[]>`
    select (select count(*)::int from backtest_trade where operation_id = ${operationId}) as trades,
           (select count(*)::int from backtest_equity where operation_id = ${operationId}) as equity_points`;
  return row ?? { trades: 0, equityPoints: 0 };
}

/** All trades by parts. No connection is held between them: a slow reader holds up nobody. */
export async function* eachTrades(
  sql: Sql,
  operationId: string,
  rowsPerPart: number,
): AsyncGenerator<BacktestTrade[]> {
  for (let after = 0; ;) {
    const rows = await sql<TradeRow[]>`
      ${selectTrades(sql, operationId)} and trade_id > ${after} order by trade_id limit ${rowsPerPart}`;
    if (rows.length > 0) yield rows.map(tradeOf);
    if (rows.length < rowsPerPart) return;
    after = rows.at(-1)?.tradeId ?? after;
  }
}

export async function* eachEquity(
  sql: Sql,
  operationId: string,
  rowsPerPart: number,
): AsyncGenerator<EquityPoint[]> {
  for (let after = '-infinity'; ;) {
    const rows = await sql<EquityRow[]>`
      ${selectEquity(sql, operationId)} and at > ${after}::timestamptz order by at limit ${rowsPerPart}`;
    if (rows.length > 0) yield rows.map(pointOf);
    if (rows.length < rowsPerPart) return;
    after = rows.at(-1)?.at ?? after;
  }
}

/** Trades and equity in the form in which the job reported them. */
export async function readBacktestTables(sql: Sql, operationId: string): Promise<Record<string, unknown>> {
  const all = { limit: ROWS_MAX, offset: 0 };
  const trades = await listTrades(sql, operationId, all);
  const points = await listEquity(sql, operationId, all);
  return {
    trades,
    equity: {
      time_ms: points.map(({ time }) => Date.parse(time)),
      equity: points.map(({ equity }) => equity),
    },
  };
}

/** Above what a job reports. */
const ROWS_MAX = 100_000;

interface TradeRow {
  tradeId: number;
  symbol: string;
  side: 'LONG' | 'SHORT';
  entryPrice: number;
  entryTime: string;
  exitPrice: number;
  exitTime: string;
  quantity: number;
  grossPnl: number;
  commission: number;
  slippage: number;
  netPnl: number;
  holdingPeriodHours: number;
  maxFavorableExcursion: number;
  maxAdverseExcursion: number;
  exitReason: string;
}

interface EquityRow {
  at: string;
  equity: number;
}

function selectTrades(sql: Sql, operationId: string) {
  return sql`
    select trade_id, symbol, side, entry_price, entry_time, exit_price, exit_time, quantity, gross_pnl,
           commission, slippage, net_pnl, holding_period_hours, max_favorable_excursion,
           max_adverse_excursion, exit_reason
    from backtest_trade where operation_id = ${operationId}`;
}

function selectEquity(sql: Sql, operationId: string) {
  return sql`select at, equity from backtest_equity where operation_id = ${operationId}`;
}

function tradeOf(row: TradeRow): BacktestTrade {
  return {
    trade_id: row.tradeId,
    symbol: row.symbol,
    side: row.side,
    entry_price: row.entryPrice,
    entry_time: isoTime(row.entryTime),
    exit_price: row.exitPrice,
    exit_time: isoTime(row.exitTime),
    quantity: row.quantity,
    gross_pnl: row.grossPnl,
    commission: row.commission,
    slippage: row.slippage,
    net_pnl: row.netPnl,
    holding_period_hours: row.holdingPeriodHours,
    max_favorable_excursion: row.maxFavorableExcursion,
    max_adverse_excursion: row.maxAdverseExcursion,
    decision_metadata: { exit_reason: row.exitReason },
  };
}

function pointOf({ at, equity }: EquityRow): EquityPoint {
  return { time: isoTime(at), equity };
}

/** In milliseconds, as the job wrote them: the hash of a result is over this text. */
function isoTime(at: string): string {
  return new Date(at).toISOString();
}
