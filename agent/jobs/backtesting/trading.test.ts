import { expect, test } from 'bun:test';
import { DEFAULT_CAPITAL, DEFAULT_COSTS } from '#agent/engine/backtest/request';
import { jobKindNamed, parseJobParameters } from '#agent/jobs/registry';
import { backtestRequestSchema } from './kind';
import { tradingOf } from './trading';

const kind = jobKindNamed('backtesting');
const request = { strategy_name: 'sma_cross', symbol: 'SP500', timeframe: '1d' };

function trading(more: object): ReturnType<typeof tradingOf> {
  return tradingOf(backtestRequestSchema.parse({ ...request, ...more }));
}

test('a request that names nothing trades by the defaults of the engine', () => {
  expect(trading({})).toEqual({
    costs: { ...DEFAULT_COSTS, commissionPerShare: 0, commissionMinimum: 0 },
    capital: DEFAULT_CAPITAL,
    sizing: { kind: 'fraction', fraction: 0.25 },
    risk: {},
  });
});

test('costs, sizes and stops reach the engine in its units', () => {
  const stops = { stop_loss: 0.05, take_profit: 0.1, trailing_stop: 0.02, min_signal_separation: 4 };
  const { costs, risk } = trading({ ...stops, commission_per_share: 0.005, commission_minimum: 1 });
  expect(costs).toMatchObject({ commissionPerShare: 0.005, commissionMinimum: 1 });
  expect(risk).toEqual({
    stopFraction: 0.05,
    targetFraction: 0.1,
    trailingFraction: 0.02,
    signalSeparationMs: 4 * 3_600_000,
  });
  expect(trading({ position_quantity: 10 }).sizing).toEqual({ kind: 'quantity', quantity: 10 });
  expect(trading({ position_notional: 5000 }).sizing).toEqual({ kind: 'notional', notional: 5000 });
  expect(trading({ position_volatility: 0.1 }).sizing).toEqual({
    kind: 'volatility',
    annualVolatility: 0.1,
    lookbackBars: 20,
    fractionMax: 1,
  });
});

test.each<[string, object]>([
  ['two sizes', { position_quantity: 1, position_notional: 1 }],
  ['a stop of nothing', { stop_loss: 0 }],
  ['a stop in per cent', { stop_loss: 1.5 }],
  ['a trailing stop in per cent', { trailing_stop: 5 }],
  ['a negative commission', { commission_minimum: -1 }],
])('%s are refused', (_, more) => {
  expect(() => parseJobParameters(kind, { ...request, ...more })).toThrow();
  expect(() => parseJobParameters(jobKindNamed('sweep'), { ...request, ...more })).toThrow();
});
