import { expect, test } from 'bun:test';
import type { Timeframe } from '#agent/contract/timeframe';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { calendarOf } from './calendar';

const HOUR_MS = 3_600_000;
const MONDAY = Date.UTC(2024, 0, 1);

function barsAt(timeframe: Timeframe, timesMs: number[]): Bars {
  const column = new Float64Array(timesMs.length).fill(1);
  const time = BigInt64Array.from(timesMs, (ms) => BigInt(ms) * 1000n);
  return createBars('T', timeframe, {
    time,
    open: column,
    high: column,
    low: column,
    close: column,
    volume: column,
  });
}

function hours(count: number, isOpen: (time: Date) => boolean): number[] {
  return Array.from({ length: count }, (_, i) => MONDAY + i * HOUR_MS).filter((ms) => isOpen(new Date(ms)));
}

test('periods are the days that have bars, each ending with its last bar', () => {
  const times = [0, 1, 23, 24, 47, 96].map((hour) => MONDAY + hour * HOUR_MS);
  expect([...calendarOf(barsAt('1h', times)).periodEnd]).toEqual([2, 4, 5]);
});

test('a year has 252 days, but 365 when weekends trade', () => {
  const stocks = hours(24 * 28, (time) => time.getUTCDay() % 6 !== 0 && time.getUTCHours() >= 14);
  const currencies = hours(
    24 * 28,
    (time) => time.getUTCDay() % 6 !== 0 || (time.getUTCDay() === 0 && time.getUTCHours() >= 22),
  );
  const coins = hours(24 * 28, () => true);
  expect(calendarOf(barsAt('1h', stocks)).periodsPerYear).toBe(252);
  expect(calendarOf(barsAt('1h', currencies)).periodsPerYear).toBe(252);
  expect(calendarOf(barsAt('1h', coins)).periodsPerYear).toBe(365);
});

test('weekly bars are periods themselves, 52 a year', () => {
  const calendar = calendarOf(
    barsAt(
      '1w',
      [0, 1, 2].map((week) => MONDAY + week * 168 * HOUR_MS),
    ),
  );
  expect(calendar.periodsPerYear).toBe(52);
  expect([...calendar.periodEnd]).toEqual([0, 1, 2]);
});

test('times before 1970 and far after are exact, also in the middle of a shared buffer', () => {
  const times = [Date.UTC(1929, 9, 28), Date.UTC(1969, 11, 31, 23, 59), MONDAY, Date.UTC(2200, 0, 1)];
  const bars = barsAt(
    '1d',
    [0, ...times].toSorted((a, b) => a - b),
  );
  const views = createBars('T', '1d', {
    ...bars,
    time: bars.time.subarray(1),
    open: bars.open.subarray(1),
    high: bars.high.subarray(1),
    low: bars.low.subarray(1),
    close: bars.close.subarray(1),
    volume: bars.volume.subarray(1),
  });
  expect([...calendarOf(views).timeUs]).toEqual(Array.from(views.time, Number));
});

test('a calendar is made once for the same bars', () => {
  const bars = barsAt('1d', [MONDAY, MONDAY + 24 * HOUR_MS]);
  expect(calendarOf(bars)).toBe(calendarOf(bars));
});
