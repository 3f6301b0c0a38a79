import { describe, expect, test } from 'bun:test';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { strategyNamed } from '#agent/engine/strategy/registry';
import type { BacktestRequest, RiskOptions } from './request';
import type { Trade } from './result';
import { runBacktest } from './run';
import { plainSignals } from './signals';
import type { Signals } from './signals';

type Prices = [open: number, high: number, low: number, close: number];

const DAY_US = 86_400_000_000;
const FLAT: Prices = [100, 100, 100, 100];
const FREE = { commissionRate: 0, slippageRate: 0 };

function barsOf(prices: Prices[]): Bars {
  const column = (index: number): Float64Array => Float64Array.from(prices, (bar) => bar[index] ?? NaN);
  const time = BigInt64Array.from(prices, (_, i) => BigInt(i * DAY_US));
  const [open, high, low, close] = [column(0), column(1), column(2), column(3)];
  return createBars('TEST', '1d', { time, open, high, low, close, volume: close });
}

/** Enters `side` at the open of the second bar; 10 shares and no costs unless `more` says otherwise. */
function trade(
  prices: Prices[],
  risk: RiskOptions & { side?: 'long' | 'short' },
  more: Partial<BacktestRequest> & { signals?: Partial<Signals> } = {},
): Trade[] {
  const { side = 'long', ...options } = risk;
  const enter = Uint8Array.from(prices, (_, i) => (i === 0 ? 1 : 0));
  const none = new Uint8Array(prices.length);
  const entries = side === 'long' ? { enterLong: enter } : { enterLong: none, enterShort: enter };
  const { signals: columns, ...request } = more;
  const signals = { ...plainSignals({ exitLong: none, exitShort: none, ...entries }), ...columns };
  const strategy = { ...strategyNamed('sma_cross'), warmupBars: () => 0, signals: () => signals };
  const sizing = { kind: 'quantity', quantity: 10 } as const;
  const bars = barsOf(prices);
  return [
    ...runBacktest({ bars, strategy, parameters: {}, costs: FREE, sizing, risk: options, ...request }).trades,
  ];
}

/** Entered at 100: stop 10 % away, target 20 % away. */
const BOTH = { stopFraction: 0.1, targetFraction: 0.2 };

describe('stops and targets', () => {
  test.each<[string, Prices, Partial<Trade>]>([
    ['a stop within the bar at its level', [98, 99, 85, 95], { exitReason: 'stop', exitPrice: 90 }],
    ['a stop touched exactly', [98, 99, 90, 95], { exitReason: 'stop', exitPrice: 90 }],
    ['a gapped stop at the open', [70, 95, 60, 90], { exitReason: 'stop', exitPrice: 70 }],
    ['a target within the bar at its limit', [105, 130, 99, 110], { exitReason: 'target', exitPrice: 120 }],
    ['a gapped target at its limit, no gift', [150, 160, 140, 150], { exitReason: 'target', exitPrice: 120 }],
    ['the stop first when both are in one bar', [100, 125, 80, 110], { exitReason: 'stop', exitPrice: 90 }],
    ['neither when neither is reached', [100, 119.9, 90.1, 95], { exitReason: 'end_of_data', exitPrice: 95 }],
  ])('a long takes %s', (_, bar, expected) => {
    expect(trade([FLAT, FLAT, bar], BOTH)).toMatchObject([{ side: 'LONG', entryPrice: 100, ...expected }]);
  });

  test.each<[string, Prices, Partial<Trade>]>([
    ['a stop within the bar', [102, 115, 101, 105], { exitReason: 'stop', exitPrice: 110 }],
    ['a gapped stop at the open', [130, 140, 105, 110], { exitReason: 'stop', exitPrice: 130 }],
    ['a target at its limit', [95, 101, 70, 90], { exitReason: 'target', exitPrice: 80 }],
    ['a gapped target at its limit', [50, 60, 40, 50], { exitReason: 'target', exitPrice: 80 }],
    ['the stop first when both are in one bar', [100, 112, 75, 90], { exitReason: 'stop', exitPrice: 110 }],
  ])('a short takes %s', (_, bar, expected) => {
    const trades = trade([FLAT, FLAT, bar], { ...BOTH, side: 'short' });
    expect(trades).toMatchObject([{ side: 'SHORT', entryPrice: 100, ...expected }]);
  });

  test('work from the bar of the entry on, and only once', () => {
    const [first, ...rest] = trade([FLAT, [100, 101, 80, 95], [50, 60, 40, 50]], BOTH);
    expect(first).toMatchObject({ exitReason: 'stop', exitPrice: 90, netPnl: -100, holdingPeriodHours: 24 });
    expect(rest).toEqual([]);
  });

  test('a trailing stop follows the bars before, never the bar it ends in', () => {
    const rise: Prices = [100, 130, 99, 125];
    // From 100 the level is 90; the high of 130 raises it to 120 for the next bar only.
    const trades = trade([FLAT, rise, [124, 150, 119, 140]], {}, { signals: { trailing: column(10, 3) } });
    expect(trades).toMatchObject([{ exitReason: 'trailing', exitPrice: 120 }]);
    const short = trade([FLAT, [100, 101, 70, 75], [76, 81, 60, 65]], {
      trailingFraction: 0.1,
      side: 'short',
    });
    expect(short).toMatchObject([{ exitReason: 'trailing', exitPrice: 80 }]);
    const held = trade([FLAT, rise, [124, 150, 120.1, 140]], { trailingFraction: 0.1 });
    expect(held).toMatchObject([{ exitReason: 'end_of_data' }]);
  });

  test('the nearer of stop and trailing stop is the one that fills', () => {
    const risk = { stopFraction: 0.05, trailingFraction: 0.1 };
    expect(trade([FLAT, [100, 104, 96, 100], [94, 99, 93, 98]], risk)).toMatchObject([
      { exitReason: 'stop', exitPrice: 94 },
    ]);
    expect(trade([FLAT, [100, 120, 99, 118], [117, 118, 105, 110]], risk)).toMatchObject([
      { exitReason: 'trailing', exitPrice: 110 },
    ]);
  });

  test('slip like market orders, but a target is a limit', () => {
    const costs = { commissionRate: 0, slippageRate: 0.01 };
    const [stopped] = trade([FLAT, FLAT, [98, 99, 85, 95]], BOTH, { costs });
    // Bought at 101: the level is 90.9, filled one percent below.
    expect(stopped?.exitPrice).toBeCloseTo(90.9 * 0.99, 9);
    expect(stopped?.slippage).toBeCloseTo(10 * (1 + 0.909), 9);
    const [won] = trade([FLAT, FLAT, [105, 130, 99, 110]], BOTH, { costs });
    expect(won?.exitPrice).toBeCloseTo(121.2, 9);
    expect(won?.slippage).toBeCloseTo(10, 9);
  });

  test('the distances of a strategy come before those of the request, NaN leaves it to the request', () => {
    const stop = column(2, 3);
    expect(trade([FLAT, FLAT, [98, 99, 85, 95]], BOTH, { signals: { stop } })).toMatchObject([
      { exitPrice: 98 },
    ]);
    const nothing = { signals: { stop: column(NaN, 3) } };
    expect(trade([FLAT, FLAT, [98, 99, 85, 95]], BOTH, nothing)).toMatchObject([{ exitPrice: 90 }]);
    expect(trade([FLAT, FLAT, [98, 99, 5, 95]], {}, nothing)).toMatchObject([{ exitReason: 'end_of_data' }]);
  });

  test('after a stop a signal that stands enters again, unless the signals ask for a fresh one', () => {
    const enterLong = Uint8Array.of(1, 1, 1, 0, 1, 1);
    const drop: Prices = [100, 100, 85, 100];
    const prices: Prices[] = [FLAT, drop, FLAT, FLAT, FLAT, FLAT];
    const entries = (reentry: 'while_signalled' | 'fresh_signal'): number[] =>
      trade(prices, { stopFraction: 0.1 }, { signals: { enterLong, reentry } }).map(
        ({ entryTimeUs }) => entryTimeUs / DAY_US,
      );
    expect(entries('while_signalled')).toEqual([1, 2]);
    expect(entries('fresh_signal')).toEqual([1, 5]);
  });

  test('signals closer than the separation are passed over, stops are not', () => {
    const columns = { enterLong: Uint8Array.of(1, 0, 1, 0, 1, 0), exitLong: Uint8Array.of(0, 1, 0, 1, 0, 0) };
    const prices = Array.from({ length: 6 }, () => FLAT);
    const times = (signalSeparationMs: number): number[][] =>
      trade(prices, { signalSeparationMs }, { signals: columns }).map(({ entryTimeUs, exitTimeUs }) => [
        entryTimeUs / DAY_US,
        exitTimeUs / DAY_US,
      ]);
    expect(times(0)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    // Entered by bar 0; the exit of bar 1 comes too soon, that of bar 3 does not, the entry of 4 does.
    expect(times((2 * DAY_US) / 1000)).toEqual([[1, 4]]);
    const stopped = trade([FLAT, FLAT, [100, 100, 80, 90]], { stopFraction: 0.1, signalSeparationMs: 9e8 });
    expect(stopped).toMatchObject([{ exitReason: 'stop' }]);
  });
});

function column(value: number, length: number): Float64Array {
  return new Float64Array(length).fill(value);
}
