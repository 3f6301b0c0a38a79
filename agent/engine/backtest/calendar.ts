import { timeframeMs } from '#agent/contract/timeframe';
import type { Bars } from '#agent/engine/bars';

/** How the bars of one series fall into the periods that returns are taken over. */
export interface Calendar {
  /** Microseconds since 1970 of each bar's open as numbers: exact until the year 2255. */
  readonly timeUs: Float64Array;
  /** Index of the last bar of each period, ascending. */
  readonly periodEnd: Int32Array;
  /** N of the annualisation. */
  readonly periodsPerYear: number;
}

const DAY_US = 86_400_000_000;
const DAYS_A_YEAR = 365;
const TRADING_DAYS_A_YEAR = 252;
const WEEKS_A_YEAR = 52;

// A sweep asks for the same bars thousands of times; keyed by the column so that it dies with it.
const calendars = new WeakMap<BigInt64Array, Calendar>();

/**
 * Periods are the calendar days (UTC) that have bars; bars longer than a day are periods themselves.
 * N is 252, 365 when weekends trade: backtesting.py's test, Saturdays and Sundays above 0.6 of the
 * share (2/7) that they have of a week, which the Sunday evenings of currencies do not reach.
 */
export function calendarOf(bars: Bars): Calendar {
  const known = calendars.get(bars.time);
  if (known !== undefined) return known;
  const calendar = createCalendar(bars);
  calendars.set(bars.time, calendar);
  return calendar;
}

function createCalendar(bars: Bars): Calendar {
  const timeUs = timesUs(bars);
  if (timeframeMs(bars.timeframe) * 1000 <= DAY_US) return { timeUs, ...dayPeriods(timeUs) };
  return { timeUs, periodEnd: Int32Array.from(timeUs.keys()), periodsPerYear: WEEKS_A_YEAR };
}

function timesUs(bars: Bars): Float64Array {
  // Reading a BigInt64Array makes a BigInt of each element; its two halves are plain numbers.
  const { buffer, byteOffset, length } = bars.time;
  const low = new Uint32Array(buffer, byteOffset, length * 2);
  const high = new Int32Array(buffer, byteOffset, length * 2);
  const times = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    times[i] = (high[2 * i + 1] as number) * 2 ** 32 + (low[2 * i] as number);
  }
  return times;
}

function dayPeriods(timeUs: Float64Array): Omit<Calendar, 'timeUs'> {
  const ends = new Int32Array(timeUs.length);
  let count = 0;
  let weekendBars = 0;
  let day = 0;
  for (let i = 0; i < timeUs.length; i++) {
    const today = Math.floor((timeUs[i] as number) / DAY_US);
    if (i > 0 && today !== day) ends[count++] = i - 1;
    day = today;
    // Day 0, 1970-01-01, was a Thursday: days 2 and 3 of each seven are the weekend.
    const weekday = ((today % 7) + 7) % 7;
    if (weekday === 2 || weekday === 3) weekendBars++;
  }
  if (timeUs.length > 0) ends[count++] = timeUs.length - 1;
  const weekendsTrade = weekendBars > (2 / 7) * 0.6 * timeUs.length;
  return {
    periodEnd: ends.slice(0, count),
    periodsPerYear: weekendsTrade ? DAYS_A_YEAR : TRADING_DAYS_A_YEAR,
  };
}
