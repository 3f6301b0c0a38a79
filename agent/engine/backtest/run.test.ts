import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { createBars, sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { strategyNamed } from '#agent/engine/strategy/registry';
import type { Strategy } from '#agent/engine/strategy/strategy';
import { randomBars } from '#test/support/random-bars';
import { loadSp500 } from '#test/support/sp500';
import { COLLECT_METRICS_ONLY } from './request';
import type { BacktestRequest } from './request';
import { runBacktest } from './run';
import { signalsOfTargets } from './signals';
import type { Signals } from './signals';

const DAY_US = 86_400_000_000;

/** Opens and closes alike on each bar but where given; the first bar is Monday 2024-01-01. */
function barsOf(prices: Array<[open: number, close: number]>): Bars {
  const open = Float64Array.from(prices, ([first]) => first);
  const close = Float64Array.from(prices, ([, last]) => last);
  const high = Float64Array.from(prices, (pair) => Math.max(...pair) + 1);
  const low = Float64Array.from(prices, (pair) => Math.min(...pair) - 1);
  const first = BigInt(Date.UTC(2024, 0, 1)) * 1000n;
  const time = BigInt64Array.from(prices, (_, i) => first + BigInt(i * DAY_US));
  return createBars('TEST', '1d', { time, open, high, low, close, volume: close });
}

function deciding(targets: number[]): Strategy {
  const signals = (): Signals => signalsOfTargets(Int8Array.from(targets));
  return { ...strategyNamed('sma_cross'), warmupBars: () => 0, signals };
}

function run(prices: Array<[number, number]>, targets: number[], more: Partial<BacktestRequest> = {}) {
  return runBacktest({ bars: barsOf(prices), strategy: deciding(targets), parameters: {}, ...more });
}

const FREE = { commissionRate: 0, slippageRate: 0 };
const VOLATILITY = { kind: 'volatility', annualVolatility: 0.1, lookbackBars: 20, fractionMax: 1 } as const;
const ALL_IN = { initialCapital: 1000, positionFraction: 1 };

describe('runBacktest()', () => {
  test('fills at the next open, charges both sides, and adds up', () => {
    const costs = { commissionRate: 0.01, slippageRate: 0.1 };
    const capital = { initialCapital: 1000, positionFraction: 0.5 };
    const prices: Array<[number, number]> = [
      [9, 10],
      [10, 12],
      [13, 14],
      [20, 1],
      [1, 1],
    ];
    const { trades, metrics, equity, openAtEnd } = run(prices, [1, 1, 0, 0, 0], { costs, capital });
    // Bought at 10 · 1.1 = 11: floor(500 / (11 · 1.01)) = 45; sold at 20 · 0.9 = 18.
    expect(trades).toHaveLength(1);
    expect(trades[0]).toMatchObject({
      tradeId: 1,
      symbol: 'TEST',
      side: 'LONG',
      entryPrice: 11,
      exitPrice: 18,
      quantity: 45,
      grossPnl: 315,
      holdingPeriodHours: 48,
      exitReason: 'signal',
      entryTimeUs: Date.UTC(2024, 0, 2) * 1000,
      exitTimeUs: Date.UTC(2024, 0, 4) * 1000,
    });
    expect(trades[0]?.commission).toBeCloseTo(0.01 * 45 * (11 + 18), 9);
    expect(trades[0]?.slippage).toBeCloseTo(45 * (1 + 2), 9);
    expect(trades[0]?.netPnl).toBeCloseTo(315 - 13.05, 9);
    // Highs and lows are one beyond open and close: 15 − 11 and 9 − 11, and the exit itself 18 − 11.
    expect(trades[0]?.maxFavorableExcursion).toBeCloseTo(45 * 7, 9);
    expect(trades[0]?.maxAdverseExcursion).toBeCloseTo(45 * -2, 9);
    expect(metrics.finalEquity).toBeCloseTo(1301.95, 9);
    expect(metrics.exposure).toBe(2 / 5);
    expect(openAtEnd).toBeFalse();
    const cash = 1000 - 45 * 11 * 1.01;
    const expected = [1000, cash + 45 * 12, cash + 45 * 14, 1301.95, 1301.95];
    for (const [i, value] of equity.equity.entries()) expect(value).toBeCloseTo(expected[i] ?? NaN, 9);
    expect(equity.timeMs[0]).toBe(Date.UTC(2024, 0, 1));
  });

  test('reverses at one open: exit, then entry of the other side from the cash that is left', () => {
    const { trades, metrics } = run(
      [
        [10, 10],
        [10, 10],
        [20, 20],
        [10, 10],
        [5, 5],
      ],
      [1, -1, -1, 0, 0],
      {
        costs: FREE,
        capital: ALL_IN,
      },
    );
    expect(
      trades.map(({ side, quantity, netPnl, exitReason }) => [side, quantity, netPnl, exitReason]),
    ).toEqual([
      ['LONG', 100, 1000, 'signal'],
      ['SHORT', 100, 1500, 'signal'],
    ]);
    expect(metrics).toMatchObject({ finalEquity: 3500, exposure: 3 / 5, winRate: 1, profitFactor: null });
    expect(metrics.kelly).toBeNull();
  });

  test('closes what is open at the last close, costs included, and says so', () => {
    const costs = { commissionRate: 0.01, slippageRate: 0 };
    const { trades, metrics, equity, openAtEnd } = run(
      [
        [1, 10],
        [10, 10],
        [10, 11],
      ],
      [1, 1, 1],
      {
        costs,
        capital: ALL_IN,
      },
    );
    expect(openAtEnd).toBeTrue();
    expect(trades[0]).toMatchObject({ exitPrice: 11, exitReason: 'end_of_data', holdingPeriodHours: 48 });
    expect(1000 + (trades[0]?.netPnl ?? NaN)).toBeCloseTo(metrics.finalEquity, 9);
    expect(equity.equity.at(-1)).toBe(metrics.finalEquity);
    expect(metrics.exposure).toBe(2 / 3);
  });

  test('does nothing about a decision at the last close, and nothing without money for one share', () => {
    expect(
      run(
        [
          [1, 1],
          [1, 1],
        ],
        [0, 1],
      ).trades,
    ).toEqual([]);
    const poor = run(
      [
        [5000, 5000],
        [5000, 5000],
        [5000, 5000],
      ],
      [1, 1, 1],
      { capital: ALL_IN },
    );
    expect(poor.trades).toEqual([]);
    expect(poor.metrics.finalEquity).toBe(1000);
  });

  test('enters once one share can be paid while the position is still wanted', () => {
    const { trades } = run(
      [
        [9, 9],
        [2000, 2000],
        [500, 500],
        [500, 500],
      ],
      [1, 1, 1, 1],
      {
        costs: FREE,
        capital: ALL_IN,
      },
    );
    expect(trades[0]).toMatchObject({ entryPrice: 500, quantity: 2 });
  });

  test('lets a short lose more than everything, and reports no ratio of it', () => {
    const { metrics } = run(
      [
        [10, 10],
        [10, 10],
        [100, 100],
        [100, 100],
      ],
      [-1, -1, 0, 0],
      {
        costs: FREE,
        capital: ALL_IN,
      },
    );
    expect(metrics.finalEquity).toBe(-8000);
    expect(metrics.maxDrawdownPct).toBe(9);
    expect(metrics).toMatchObject({ sharpeRatio: null, annualizedReturn: null, calmarRatio: null });
  });

  test('without a trade has null where nothing is defined, zeros elsewhere, and no NaN', () => {
    const { metrics } = run(
      [
        [1, 2],
        [2, 3],
        [3, 4],
      ],
      [0, 0, 0],
    );
    expect(metrics).toMatchObject({
      totalReturn: 0,
      annualizedReturn: 0,
      volatility: 0,
      sharpeRatio: null,
      sortinoRatio: null,
      calmarRatio: null,
      recoveryFactor: null,
      totalTrades: 0,
      winRate: null,
      profitFactor: null,
      avgWin: null,
      largestLoss: null,
      sqn: null,
      kelly: null,
      exposure: 0,
      buyAndHoldReturn: 1,
    });
    for (const value of Object.values(metrics)) expect(value === null || Number.isFinite(value)).toBeTrue();
  });

  test('counts from firstBar, with the bars before it as warm-up', () => {
    const { barCount, equity, trades, metrics } = run(
      [
        [5, 5],
        [6, 6],
        [10, 10],
        [10, 20],
        [20, 20],
      ],
      [1, 1, 1, 0, 0],
      { costs: FREE, capital: ALL_IN, firstBar: 2 },
    );
    expect(barCount).toBe(3);
    expect(equity.equity).toEqual([1000, 2000, 2000]);
    expect(trades[0]).toMatchObject({ entryPrice: 10, exitPrice: 20 });
    expect(metrics.buyAndHoldReturn).toBe(1);
  });

  test('keeps no trades and no equity when only metrics are wanted, and the same metrics', async () => {
    const bars = await loadSp500();
    const strategy = strategyNamed('sma_cross');
    const parameters = parseParameters(strategy, {});
    const full = runBacktest({ bars, strategy, parameters });
    const lean = runBacktest({ bars, strategy, parameters, collect: COLLECT_METRICS_ONLY });
    expect(lean).toMatchObject({ trades: [], equity: { timeMs: [], equity: [] } });
    expect(lean.metrics).toEqual(full.metrics);
    expect(full.equity.equity).toHaveLength(2000);
    expect(full.equity.equity.at(-1)).toBe(full.metrics.finalEquity);
    expect(full.equity.timeMs[0]).toBe(Date.UTC(2000, 0, 3));
    expect(full.periodsPerYear).toBe(252);
  });

  test('closes the same trades when the future is taken away', () => {
    const bars = randomBars(seededRng(3), { length: 300 });
    const strategy = strategyNamed('sma_cross');
    const parameters = parseParameters(strategy, { fast: 2, slow: 5, allow_short: true });
    const full = runBacktest({ bars, strategy, parameters });
    expect(full.trades.length).toBeGreaterThan(30);
    for (let cutoff = 1; cutoff < bars.length; cutoff++) {
      const { trades } = runBacktest({ bars: sliceIndices(bars, 0, cutoff), strategy, parameters });
      const closed = trades.filter(({ exitReason }) => exitReason !== 'end_of_data');
      expect(closed).toEqual(full.trades.slice(0, closed.length));
    }
  });

  test.each<[Partial<BacktestRequest>, string]>([
    [{ costs: { commissionRate: -0.1, slippageRate: 0 } }, 'commission is -0.1'],
    [{ costs: { commissionRate: 0, slippageRate: 1 } }, 'slippage is 1'],
    [{ costs: { commissionRate: NaN, slippageRate: 0 } }, 'commission is NaN'],
    [{ capital: { initialCapital: 0, positionFraction: 1 } }, 'initial_capital is 0'],
    [{ capital: { initialCapital: 1, positionFraction: 1.5 } }, 'position_fraction is 1.5'],
    [{ costs: { ...FREE, commissionPerShare: -1 } }, 'commission_per_share is -1'],
    [{ costs: { ...FREE, commissionMinimum: Infinity } }, 'commission_minimum is Infinity'],
    [{ sizing: { kind: 'fraction', fraction: 0 } }, 'position_fraction is 0'],
    [{ sizing: { kind: 'quantity', quantity: -1 } }, 'position_quantity is -1'],
    [{ sizing: { kind: 'notional', notional: NaN } }, 'position_notional is NaN'],
    [{ sizing: { ...VOLATILITY, annualVolatility: 0 } }, 'position_volatility is 0'],
    [{ sizing: { ...VOLATILITY, lookbackBars: 1.5 } }, 'volatility_bars is 1.5'],
    [{ sizing: { ...VOLATILITY, fractionMax: 2 } }, 'position_fraction is 2'],
    [{ risk: { stopFraction: 0 } }, 'stop_loss is 0'],
    [{ risk: { targetFraction: NaN } }, 'take_profit is NaN'],
    [{ risk: { trailingFraction: -1 } }, 'trailing_stop is -1'],
    [{ risk: { signalSeparationMs: -1 } }, 'min_signal_separation is -1'],
    [{ firstBar: 2 }, 'on TEST 1d: the range holds no bars'],
  ])('refuses %j', (more, message) => {
    expect(() =>
      run(
        [
          [1, 1],
          [1, 1],
        ],
        [0, 0],
        more,
      ),
    ).toThrow(`Cannot run a backtest${message.startsWith('on') ? ' ' : ': '}${message}`);
  });
});
