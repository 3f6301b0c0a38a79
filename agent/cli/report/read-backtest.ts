import { unitMetricsSchema, type Operation } from '#agent/contract/operation';
import { timeframeSchema } from '#agent/contract/timeframe';
import { Fault } from '#agent/kit/error';
import type { Session } from '#agent/cli/session';
import type { BacktestReport } from './backtest-report';
import { PricePoints } from './price-points';

const PAGE_BARS = 50_000;
const PAGE_ROWS = 50_000;

/** All that the page of a completed backtest shows. */
export async function readBacktest(session: Session, operation: Operation): Promise<BacktestReport> {
  const { client, shell } = session;
  const call = { params: { operation_id: operation.operation_id }, signal: shell.signal };
  const query = { limit: PAGE_ROWS };
  const { data: metrics } = await client.call('getMetrics', call);
  const { data: equity } = await client.call('listEquity', { ...call, query });
  const trades = await client.call('listTrades', { ...call, query });
  const known = unitMetricsSchema.parse(metrics);
  const period = { from: equity[0]?.time, to: equity.at(-1)?.time };
  const prices = await readPrices(session, operation, period);
  return {
    operation,
    metrics: known,
    equity,
    trades: trades.data,
    tradeCount: known['total_trades'] ?? trades.total_count,
    prices: prices.points(),
    barCount: prices.barCount,
    stride: prices.stride,
    madeAt: new Date(shell.clock.nowMs()).toISOString(),
  };
}

/** The closes of a backtest's period as they are stored now, page by page. */
async function readPrices(
  { client, shell }: Session,
  { operation_id, metadata }: Operation,
  { from, to }: { from: string | undefined; to: string | undefined },
): Promise<PricePoints> {
  const points = new PricePoints();
  const { symbol } = metadata;
  const timeframe = timeframeSchema.safeParse(metadata['timeframe']).data;
  if (typeof symbol !== 'string' || timeframe === undefined) {
    throw new Fault('environment', `Cannot draw ${operation_id}: it does not say which bars it used`, {
      hint: 'run the same version of ktrdr-agent here and there',
    });
  }
  if (from === undefined || to === undefined) return points;
  const end = justAfter(to);
  for (let start = from; start < end;) {
    const { data } = await client.call('getBars', {
      params: { symbol, timeframe },
      query: { start, end, limit: PAGE_BARS },
      signal: shell.signal,
    });
    for (const { time, close } of data) points.add({ timeMs: Date.parse(time), close });
    const last = data.at(-1);
    if (last === undefined || data.length < PAGE_BARS) break;
    start = justAfter(last.time);
  }
  return points;
}

function justAfter(instant: string): string {
  return new Date(Date.parse(instant) + 1).toISOString();
}
