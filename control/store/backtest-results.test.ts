import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { BacktestTrade } from '#agent/contract/backtest';
import type { Grant } from '#agent/contract/lease';
import { present } from '#agent/kit/assert';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { addNode, addSingle, claim, expireAll, sweepOverdue } from '#test/support/store-fleet';
import { countRows, eachEquity, eachTrades, listTrades } from './backtest-results';
import { readResult } from './operations';
import { withTables } from './result-tables';
import { recordResult } from './results';

const TRADES = 7;
const result = {
  strategy_name: 'sma_cross',
  symbol: 'SP500',
  timeframe: '1d',
  parameters: { fast: 5 },
  metrics: { sharpe_ratio: 0.1 + 0.2, win_rate: null },
  trades: Array.from({ length: TRADES }, (_, index) => trade(index + 1)),
  equity: { time_ms: [-1, 0, 86_400_000], equity: [1e5, 1e5 / 3, 5e-324] },
  bar_count: 3,
};

describeOnEachServer('the tables of backtest results', (server) => {
  let fresh: FreshDatabase;
  let first: string;
  let second: string;
  const database = () => fresh.database;

  beforeAll(async () => {
    fresh = await freshDatabase(server);
    first = await addNode(database(), 'first');
    second = await addNode(database(), 'second');
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  const one = async (nodeId: string): Promise<Grant> =>
    present((await claim(database(), nodeId)).grants[0], 'grant');
  const complete = (grant: Grant, nodeId: string) =>
    database().sql.begin((sql) =>
      recordResult(
        sql,
        grant,
        { worker_id: nodeId, outcome: 'completed', result, error: null, provenance: null },
        { summarize: () => ({}), retryDelayMs: () => 0, leaseMs: 30_000 },
      ),
    );

  test('are written once, with the accepted result, and give it back bit for bit', async () => {
    const { sql } = database();
    const id = await addSingle(database());
    const grant = await one(first);
    expect(await complete(grant, first)).toEqual({ accepted: true, duplicate: false });
    expect(await complete(grant, first)).toEqual({ accepted: false, duplicate: true });
    expect(await countRows(sql, id)).toEqual({ trades: TRADES, equityPoints: 3 });
    const kept = present(await readResult(sql, id), 'result');
    expect(Object.keys(kept)).not.toContain('trades');
    expect(await withTables(sql, { operationId: id, kind: 'backtesting' }, kept)).toEqual(result);
  });

  test('are not written by an attempt whose work was given to another', async () => {
    const { sql } = database();
    const id = await addSingle(database());
    const old = await one(first);
    await expireAll(database());
    await sweepOverdue(database());
    const grant = await one(second);
    await expect(complete(old, first)).rejects.toMatchObject({ code: 'stale_epoch' });
    expect(await countRows(sql, id)).toEqual({ trades: 0, equityPoints: 0 });
    await complete(grant, second);
    expect(await countRows(sql, id)).toEqual({ trades: TRADES, equityPoints: 3 });
  });

  test('are not written by a result that is not a backtest, nor is that accepted', async () => {
    const { sql } = database();
    const id = await addSingle(database());
    const grant = await one(first);
    const broken = { ...result, trades: [{ trade_id: 1 }] };
    await expect(
      sql.begin((transaction) =>
        recordResult(
          transaction,
          grant,
          { worker_id: first, outcome: 'completed', result: broken, error: null, provenance: null },
          { summarize: () => ({}), retryDelayMs: () => 0, leaseMs: 30_000 },
        ),
      ),
    ).rejects.toMatchObject({ code: 'invalid' });
    expect(await readResult(sql, id)).toBeNull();
    await sql`delete from operation where operation_id = ${id}`;
  });

  test('come in parts, and go with their operation', async () => {
    const { sql } = database();
    const id = await addSingle(database());
    await complete(await one(first), first);
    const parts = await Array.fromAsync(eachTrades(sql, id, 3));
    expect(parts.map((part) => part.length)).toEqual([3, 3, 1]);
    expect(parts.flat()).toEqual(await listTrades(sql, id, { limit: 100, offset: 0 }));
    expect((await Array.fromAsync(eachEquity(sql, id, 2))).flat()).toHaveLength(3);
    await sql`delete from operation where operation_id = ${id}`;
    expect(await countRows(sql, id)).toEqual({ trades: 0, equityPoints: 0 });
  });

  test('backtest_summary has a row for each completed backtest', async () => {
    const { sql } = database();
    const id = await addSingle(database());
    await complete(await one(first), first);
    const rows = await sql`
      select symbol, sharpe_ratio, win_rate, bar_count from backtest_summary where operation_id = ${id}`;
    expect([...rows].map((row) => ({ ...row }))).toEqual([
      { symbol: 'SP500', sharpeRatio: 0.1 + 0.2, winRate: null, barCount: 3 },
    ]);
  });
});

function trade(tradeId: number): BacktestTrade {
  return {
    trade_id: tradeId,
    symbol: 'SP500',
    side: tradeId % 2 === 0 ? 'SHORT' : 'LONG',
    entry_price: 1 / tradeId,
    entry_time: new Date(tradeId * 1e9 + 1).toISOString(),
    exit_price: 1e-300,
    exit_time: new Date(tradeId * 1e9 + 2).toISOString(),
    quantity: 1e21 / 3,
    gross_pnl: -tradeId / 7,
    commission: 0.1 + 0.2,
    slippage: 0,
    net_pnl: 1.7976931348623157e308,
    holding_period_hours: 24,
    max_favorable_excursion: 5e-324,
    max_adverse_excursion: -5e-324,
    decision_metadata: { exit_reason: 'signal' },
  };
}
