import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { Fault } from '#agent/kit/error';
import type { Timeframe } from '#agent/contract/timeframe';
import { randomBars } from '#test/support/random-bars';
import { createBars, sliceIndices } from './bars';
import type { Bars } from './bars';
import { alignHigherTimeframe } from './higher-timeframe';

function barsAt(timeframe: Timeframe, times: string[]): Bars {
  const close = Float64Array.from(times, (_, i) => i + 1);
  return createBars('TEST', timeframe, {
    time: BigInt64Array.from(times, (time) => BigInt(Date.parse(time)) * 1000n),
    open: close.map((value) => value - 0.5),
    high: close.map((value) => value + 10),
    low: close.map((value) => value - 10),
    close,
    volume: close.map(() => 100),
  });
}

describe('alignHigherTimeframe()', () => {
  test('aggregates, and shows a higher bar from the close that completes it', () => {
    const times = ['09:00', '09:30', '10:00', '10:30', '11:00'].map((time) => `2024-01-02T${time}Z`);
    const { bars, closedIndex, align } = alignHigherTimeframe(barsAt('30m', times), '1h');
    expect([...closedIndex]).toEqual([-1, 0, 0, 1, 1]);
    expect(bars.timeframe).toBe('1h');
    expect([...bars.time].map((time) => new Date(Number(time / 1000n)).toISOString())).toEqual([
      '2024-01-02T09:00:00.000Z',
      '2024-01-02T10:00:00.000Z',
    ]);
    expect([...bars.open]).toEqual([0.5, 2.5]);
    expect([...bars.high]).toEqual([12, 14]);
    expect([...bars.low]).toEqual([-9, -7]);
    expect([...bars.close]).toEqual([2, 4]);
    expect([...bars.volume]).toEqual([200, 200]);
    expect([...align(bars.close)]).toEqual([NaN, 2, 2, 4, 4]);
  });

  test('shows a session that ended early only at the first close after its nominal end', () => {
    const times = ['2024-01-02T15:00Z', '2024-01-02T16:00Z', '2024-01-03T15:00Z', '2024-01-05T15:00Z'];
    const { closedIndex, bars } = alignHigherTimeframe(barsAt('1h', times), '1d');
    expect([...closedIndex]).toEqual([-1, -1, 0, 1]);
    expect([...bars.close]).toEqual([2, 3]);
  });

  test('begins weeks on Mondays: Sunday ends one where it trades, Friday does not', () => {
    const days = [5, 7, 8, 12, 15].map((day) => `2024-01-${String(day).padStart(2, '0')}T00:00Z`);
    const { closedIndex, bars } = alignHigherTimeframe(barsAt('1d', days), '1w');
    expect([...closedIndex]).toEqual([-1, 0, 0, 0, 1]);
    expect(new Date(Number((bars.time[0] ?? 0n) / 1000n)).toISOString()).toBe('2024-01-01T00:00:00.000Z');
  });

  test.each<[Timeframe, Timeframe]>([
    ['5m', '1h'],
    ['15m', '4h'],
    ['4h', '1d'],
    ['1d', '1w'],
  ])('%s bars see the same closed %s bars when the future is taken away', (base, higher) => {
    const bars = randomBars(seededRng(5), { length: 200, timeframe: base });
    const full = alignHigherTimeframe(bars, higher);
    for (let cutoff = 0; cutoff <= bars.length; cutoff++) {
      const past = alignHigherTimeframe(sliceIndices(bars, 0, cutoff), higher);
      expect([...past.closedIndex]).toEqual([...full.closedIndex.subarray(0, cutoff)]);
      expect([...past.align(past.bars.high)]).toEqual([...full.align(full.bars.high).subarray(0, cutoff)]);
    }
    expect(full.closedIndex.at(-1)).toBeGreaterThan(1);
  });

  test.each<[Timeframe, Timeframe]>([
    ['1h', '1h'],
    ['1d', '1h'],
  ])('refuses to show %s bars those of %s', (base, higher) => {
    const bars = randomBars(seededRng(1), { length: 3, timeframe: base });
    expect(() => alignHigherTimeframe(bars, higher)).toThrow(Fault);
  });
});
