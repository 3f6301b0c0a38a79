import { expect, test } from 'bun:test';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { loadSp500 } from '#test/support/sp500';
import { toKtrdrMetrics, toKtrdrTrade } from './ktrdr';
import { KTRDR_METRIC_NAMES, METRICS, METRIC_NAMES } from './metric-table';
import { runBacktest } from './run';

const bars = await loadSp500();
const strategy = strategyNamed('sma_cross');
const result = runBacktest({ bars, strategy, parameters: parseParameters(strategy, {}) });

test('toKtrdrMetrics() has the 22 names of KTRDR, and every metric once', () => {
  const metrics = toKtrdrMetrics(result.metrics);
  expect(KTRDR_METRIC_NAMES.join(' ')).toBe(
    'total_return total_return_pct annualized_return volatility sharpe_ratio max_drawdown max_drawdown_pct ' +
      'total_trades winning_trades losing_trades win_rate profit_factor avg_holding_period ' +
      'avg_win_holding_period avg_loss_holding_period avg_win avg_loss largest_win largest_loss ' +
      'calmar_ratio sortino_ratio recovery_factor',
  );
  expect(Object.keys(metrics)).toEqual([...METRIC_NAMES]);
  expect(new Set(METRICS.map(({ key }) => key)).size).toBe(Object.keys(result.metrics).length);
  for (const { name, key } of METRICS) {
    expect(name).toBe(key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as typeof name);
    expect(metrics[name]).toBe(result.metrics[key]);
  }
});

test('toKtrdrTrade() has the fields of KTRDR, times in ISO 8601', () => {
  const [first] = result.trades;
  expect(first).toBeDefined();
  if (first === undefined) return;
  const trade = toKtrdrTrade(first);
  expect(Object.keys(trade).join(' ')).toBe(
    'trade_id symbol side entry_price entry_time exit_price exit_time quantity gross_pnl commission slippage ' +
      'net_pnl holding_period_hours max_favorable_excursion max_adverse_excursion decision_metadata',
  );
  expect(trade.entry_time).toMatch(/^2000-\d\d-\d\dT00:00:00\.000Z$/);
  expect(JSON.parse(JSON.stringify(trade))).toEqual(trade);
});

test('a run keeps its bits: the same on every host, changed only by a commit that says why', () => {
  const { finalEquity, sharpeRatio, annualizedReturn, sqn } = result.metrics;
  expect({ finalEquity, sharpeRatio, annualizedReturn, sqn }).toEqual({
    finalEquity: 107293.93426327639,
    sharpeRatio: 0.14012229798017198,
    annualizedReturn: 0.003481322311333246,
    sqn: 0.7242904626200446,
  });
});
