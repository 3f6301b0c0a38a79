import type { BacktestMetrics } from './metrics';

export interface MetricDescription {
  /** KTRDR's name where KTRDR has the figure; snake_case on every wire and in SQL. */
  readonly name: string;
  readonly key: keyof BacktestMetrics;
  /** Which end of a ranking is the best. */
  readonly better: 'higher' | 'lower';
  readonly unit: 'currency' | 'fraction' | 'ratio' | 'count' | 'hours';
  readonly description: string;
}

/** Every metric with its definition (reference: KTRDR's names, backtesting.py's conventions), KTRDR's 22 first. */
export const METRICS = [
  higher('total_return', 'totalReturn', 'currency', 'final equity less initial capital'),
  higher('total_return_pct', 'totalReturnPct', 'fraction', 'total return / initial capital'),
  higher('annualized_return', 'annualizedReturn', 'fraction', 'gmean(1 + daily return)^N − 1'),
  lower('volatility', 'volatility', 'fraction', 'std(daily return) · √N'),
  higher('sharpe_ratio', 'sharpeRatio', 'ratio', 'mean / std of daily returns · √N, rf = 0'),
  lower('max_drawdown', 'maxDrawdown', 'currency', 'largest fall of equity below its peak'),
  lower('max_drawdown_pct', 'maxDrawdownPct', 'fraction', 'largest fall relative to its peak'),
  higher('total_trades', 'totalTrades', 'count', 'round trips, one closed by the end included'),
  higher('winning_trades', 'winningTrades', 'count', 'round trips with a net profit'),
  lower('losing_trades', 'losingTrades', 'count', 'round trips with a net loss'),
  higher('win_rate', 'winRate', 'fraction', 'winning / all trades'),
  higher('profit_factor', 'profitFactor', 'ratio', 'sum of net profits / sum of net losses'),
  lower('avg_holding_period', 'avgHoldingPeriod', 'hours', 'mean time in a trade'),
  lower('avg_win_holding_period', 'avgWinHoldingPeriod', 'hours', 'mean time in a winning trade'),
  lower('avg_loss_holding_period', 'avgLossHoldingPeriod', 'hours', 'mean time in a losing trade'),
  higher('avg_win', 'avgWin', 'currency', 'mean net profit of winning trades'),
  higher('avg_loss', 'avgLoss', 'currency', 'mean net loss of losing trades, negative'),
  higher('largest_win', 'largestWin', 'currency', 'best net result of a winning trade'),
  higher('largest_loss', 'largestLoss', 'currency', 'worst net result of a losing trade, negative'),
  higher('calmar_ratio', 'calmarRatio', 'ratio', 'annualized return / max drawdown fraction'),
  higher('sortino_ratio', 'sortinoRatio', 'ratio', 'annualized return / (√mean(min(r, 0)²) · √N)'),
  higher('recovery_factor', 'recoveryFactor', 'ratio', 'total return / max drawdown'),
  lower('exposure', 'exposure', 'fraction', 'bars in a position / bars'),
  higher('sqn', 'sqn', 'ratio', '√trades · mean / std of net results'),
  higher('kelly', 'kelly', 'fraction', 'W − (1 − W) / (avg win / avg loss)'),
  higher('final_equity', 'finalEquity', 'currency', 'equity after closing at the last close'),
  higher('buy_and_hold_return', 'buyAndHoldReturn', 'fraction', 'last close / first close − 1, no costs'),
  higher('compounded_sharpe_ratio', 'compoundedSharpeRatio', 'ratio', 'annualized return / volatility'),
  higher('daily_returns_count', 'dailyReturnsCount', 'count', 'daily returns (n; weekly of weekly bars)'),
  higher('periods_per_year', 'periodsPerYear', 'count', 'returns in a year (N): 252, 365 or 52'),
  higher('skewness', 'skewness', 'ratio', 'm₃ / m₂^1.5 of daily returns, 0 when symmetric'),
  lower('kurtosis', 'kurtosis', 'ratio', 'm₄ / m₂² of daily returns, 3 when normal'),
] as const;

export type MetricName = (typeof METRICS)[number]['name'];

export const METRIC_NAMES: readonly MetricName[] = METRICS.map((description) => description.name);

/** The 22 names that KTRDR's own results have. */
export const KTRDR_METRIC_NAMES: readonly MetricName[] = METRIC_NAMES.slice(0, 22);

type Unit = MetricDescription['unit'];

function higher<N extends string>(name: N, key: keyof BacktestMetrics, unit: Unit, description: string) {
  return { name, key, better: 'higher', unit, description } as const satisfies MetricDescription;
}

function lower<N extends string>(name: N, key: keyof BacktestMetrics, unit: Unit, description: string) {
  return { name, key, better: 'lower', unit, description } as const satisfies MetricDescription;
}
