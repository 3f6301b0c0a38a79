import { METRICS } from './metric-table';
import type { MetricName } from './metric-table';
import type { BacktestMetrics } from './metrics';
import type { Trade } from './result';

export type KtrdrMetrics = Record<MetricName, number | null>;

/** Metrics under the names that go over every wire and into SQL. */
export function toKtrdrMetrics(metrics: BacktestMetrics): KtrdrMetrics {
  return Object.fromEntries(METRICS.map(({ name, key }) => [name, metrics[key]])) as KtrdrMetrics;
}

export interface KtrdrTrade {
  trade_id: number;
  symbol: string;
  side: 'LONG' | 'SHORT';
  entry_price: number;
  /** ISO 8601, UTC. */
  entry_time: string;
  exit_price: number;
  exit_time: string;
  quantity: number;
  gross_pnl: number;
  commission: number;
  slippage: number;
  net_pnl: number;
  holding_period_hours: number;
  max_favorable_excursion: number;
  max_adverse_excursion: number;
  decision_metadata: { exit_reason: string };
}

export function toKtrdrTrade(trade: Trade): KtrdrTrade {
  return {
    trade_id: trade.tradeId,
    symbol: trade.symbol,
    side: trade.side,
    entry_price: trade.entryPrice,
    entry_time: isoTime(trade.entryTimeUs),
    exit_price: trade.exitPrice,
    exit_time: isoTime(trade.exitTimeUs),
    quantity: trade.quantity,
    gross_pnl: trade.grossPnl,
    commission: trade.commission,
    slippage: trade.slippage,
    net_pnl: trade.netPnl,
    holding_period_hours: trade.holdingPeriodHours,
    max_favorable_excursion: trade.maxFavorableExcursion,
    max_adverse_excursion: trade.maxAdverseExcursion,
    decision_metadata: { exit_reason: trade.exitReason },
  };
}

function isoTime(timeUs: number): string {
  return new Date(timeUs / 1000).toISOString();
}
