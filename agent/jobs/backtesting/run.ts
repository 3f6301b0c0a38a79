import { toKtrdrMetrics, toKtrdrTrade } from '#agent/engine/backtest/ktrdr';
import { runBacktest } from '#agent/engine/backtest/run';
import { parseParameters } from '#agent/engine/strategy/parameters';
import type { JobContext } from '#agent/jobs/job';
import { backtestRequestSchema, backtestResultSchema, EQUITY_POINTS_MAX, TRADES_MAX } from './kind';
import { strategyOf } from './strategy';
import { tradingOf } from './trading';

export async function runBacktestJob(context: JobContext): Promise<Record<string, unknown>> {
  const request = backtestRequestSchema.parse(context.parameters);
  const strategy = strategyOf(request);
  const parameters = parseParameters(strategy, request.parameters);
  const bars = await context.bars();
  context.reportProgress({
    percentage: 0,
    current_step: `backtesting ${strategy.name}`,
    items_total: bars.length,
  });
  await context.breathe();

  const result = runBacktest({
    bars,
    strategy,
    parameters,
    ...tradingOf(request),
    collect: { tradesMax: TRADES_MAX, equityPointsMax: EQUITY_POINTS_MAX },
  });
  context.reportProgress({
    percentage: 100,
    current_step: 'done',
    items_processed: bars.length,
    items_total: bars.length,
  });
  context.log(`backtested ${bars.length} bars, ${result.metrics.totalTrades} trades`);
  return backtestResultSchema.parse({
    strategy_name: strategy.name,
    symbol: request.symbol,
    timeframe: request.timeframe,
    parameters,
    metrics: toKtrdrMetrics(result.metrics),
    trades: result.trades.map(toKtrdrTrade),
    trades_truncated: result.metrics.totalTrades - result.trades.length,
    equity: { time_ms: result.equity.timeMs, equity: result.equity.equity },
    bar_count: result.barCount,
    open_at_end: result.openAtEnd,
    periods_per_year: result.periodsPerYear,
  });
}
