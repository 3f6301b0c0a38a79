import { describe, expect, test } from 'bun:test';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { completeCosts, commissionOf, quantityWithin } from './costs';
import type { Costs, Sizing } from './request';
import { entrySize, realizedVolatility } from './sizing';

const DAY_US = 86_400_000_000;

function barsOf(close: number[], days = close.map((_, i) => i)): Bars {
  const column = Float64Array.from(close);
  const time = BigInt64Array.from(days, (day) => BigInt(day * DAY_US));
  return createBars('TEST', '1d', {
    time,
    open: column,
    high: column,
    low: column,
    close: column,
    volume: column,
  });
}

const FREE = completeCosts({ commissionRate: 0, slippageRate: 0 });

function size(sizing: Sizing, more: Partial<Parameters<typeof entrySize>[0]> = {}): number {
  const bars = barsOf([100, 110, 99]);
  return entrySize({ bars, decidedBar: 2, sizing, costs: FREE, cash: 1000, price: 10, scale: 1, ...more });
}

describe('entrySize()', () => {
  test.each<[Sizing, number]>([
    [{ kind: 'fraction', fraction: 0.255 }, 25],
    [{ kind: 'quantity', quantity: 7.9 }, 7],
    [{ kind: 'notional', notional: 333 }, 33],
    [{ kind: 'quantity', quantity: 101 }, 100],
    [{ kind: 'notional', notional: 5000 }, 100],
  ])('%j buys %d at 10 with 1,000 in cash', (sizing, expected) => {
    expect(size(sizing)).toBe(expected);
  });

  test('scales what it would buy, up to what the cash pays for', () => {
    const sizing = { kind: 'fraction', fraction: 0.25 } as const;
    expect([0.5, 2, 10, 0, -1].map((scale) => size(sizing, { scale }))).toEqual([12, 50, 100, 0, -25]);
  });

  test('aims at a volatility, and does not guess one before it has the bars', () => {
    // Returns of 0.1 and −0.1 in two days: √(0.02 · 365.25 / 2) = 1.911… a year.
    const realized = Math.sqrt((0.02 * 365.25) / 2);
    expect(realizedVolatility(barsOf([100, 110, 99]), 2, 2)).toBeCloseTo(realized, 12);
    const sizing = { kind: 'volatility', annualVolatility: 0.5, lookbackBars: 2, fractionMax: 1 } as const;
    expect(size(sizing)).toBe(Math.floor((0.5 / realized) * 100));
    expect(size({ ...sizing, fractionMax: 0.1 })).toBe(10);
    expect(size({ ...sizing, lookbackBars: 3 })).toBeNaN();
    expect(size({ ...sizing, fractionMax: 0.6 }, { bars: barsOf([5, 5, 5]) })).toBe(60);
  });

  test('knows the time between bars: the same moves over a longer time are less', () => {
    const weekly = barsOf([100, 110, 99], [0, 7, 14]);
    expect(realizedVolatility(weekly, 2, 2)).toBeCloseTo(Math.sqrt((0.02 * 365.25) / 14), 12);
  });
});

describe('commissions', () => {
  test.each<[Costs, number, number]>([
    [{ commissionRate: 0.01, slippageRate: 0 }, -5, 5],
    [{ commissionRate: 0, commissionPerShare: 0.5, slippageRate: 0 }, 5, 2.5],
    [{ commissionRate: 0.01, commissionPerShare: 0.5, commissionMinimum: 20, slippageRate: 0 }, 5, 20],
    [{ commissionRate: 0.01, commissionPerShare: 0.5, commissionMinimum: 7, slippageRate: 0 }, 5, 7.5],
  ])('%j for %d shares at 100 is %d', (costs, quantity, expected) => {
    expect(commissionOf(quantity, 100, completeCosts(costs))).toBe(expected);
  });

  test('are within the budget of an entry', () => {
    for (const commissionRate of [0, 0.01, 0.5])
      for (const commissionPerShare of [0, 3])
        for (const commissionMinimum of [0, 1, 600, 2000]) {
          const costs = { commissionRate, commissionPerShare, commissionMinimum, slippageRate: 0 };
          const most = quantityWithin(1000, 7, costs);
          const cost = (quantity: number): number => quantity * 7 + commissionOf(quantity, 7, costs);
          if (most > 0) expect(cost(most)).toBeLessThanOrEqual(1000 + 1e-9);
          expect(cost(Math.max(most, 0) + 1)).toBeGreaterThan(1000);
        }
  });
});
