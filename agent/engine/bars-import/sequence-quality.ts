import type { QualityFinding } from '#agent/contract/bars';
import { timeframeMs } from '#agent/contract/timeframe';
import type { Timeframe } from '#agent/contract/timeframe';
import { emptyRow, placeOf, timeText } from './bar-row';
import type { BarRow } from './bar-row';
import { counted, createTally } from './tally';
import type { Tally } from './tally';

/** What is odd between one bar and the next, rows being given in the order of time. */
export interface SequenceQuality {
  readonly conflicts: Tally;
  /** False when the row repeats the time of the one before and so is no bar of its own. */
  check(row: BarRow): boolean;
  findings(): QualityFinding[];
}

export function createSequenceQuality(timeframe: Timeframe): SequenceQuality {
  const conflicts = createTally();
  const duplicates = createTally();
  const splits = createTally();
  const holes = createHoles(timeframe);
  const previous = emptyRow();
  let started = false;
  return {
    conflicts,
    check(row) {
      if (started && row.timeUs === previous.timeUs) {
        const difference = differenceOf(previous, row);
        if (difference === undefined) duplicates.note(() => `${placeOf(row)} repeats line ${previous.line}`);
        else conflicts.note(() => `${placeOf(row)} contradicts line ${previous.line}: ${difference}`);
        return false;
      }
      if (started) {
        holes.check(previous, row);
        const ratio = splitRatio(previous.close, row.close);
        if (ratio !== undefined) {
          const closes = `close ${previous.close} → ${row.close}`;
          splits.note(() => `${placeOf(row)}: ${closes}, about ${ratio}`);
        }
      }
      Object.assign(previous, row);
      started = true;
      return true;
    },
    findings: () => [
      ...conflicts.findings({
        kind: 'conflicting_duplicate',
        severity: 'error',
        message: `${counted(conflicts.count, 'row')} of a time that another row has with other figures`,
      }),
      ...duplicates.findings({
        kind: 'duplicate',
        severity: 'warning',
        message: `${counted(duplicates.count, 'row')} exactly like another row of the same time; the first of each was kept`,
      }),
      ...holes.findings(),
      ...splits.findings({
        kind: 'possible_split',
        severity: 'warning',
        message: `${counted(splits.count, 'close')} near a split's multiple of the one before; nothing was adjusted`,
      }),
    ],
  };
}

function differenceOf(a: BarRow, b: BarRow): string | undefined {
  const name = (['open', 'high', 'low', 'close', 'volume'] as const).find(
    (key) => !Object.is(a[key], b[key]),
  );
  return name === undefined ? undefined : `${name} ${b[name]} against ${a[name]}`;
}

/** Multiples of common splits; 3 % leaves room for the day's own move. */
const SPLIT_MULTIPLES = [1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100];
const SPLIT_TOLERANCE = 0.03;
const SPLIT_MULTIPLE_MIN = 1.5 * (1 - SPLIT_TOLERANCE);

/** "2:1" when the price fell as in a split, "1:2" when it rose as in a reverse split. */
export function splitRatio(previousClose: number, close: number): string | undefined {
  const fell = previousClose / close;
  const multiple = Math.max(fell, 1 / fell);
  if (!(previousClose > 0 && close > 0 && multiple >= SPLIT_MULTIPLE_MIN)) return undefined;
  const near = SPLIT_MULTIPLES.find((known) => Math.abs(multiple / known - 1) <= SPLIT_TOLERANCE);
  if (near === undefined) return undefined;
  const [more, fewer] = near === 1.5 ? [3, 2] : [near, 1];
  return fell > 1 ? `${more}:${fewer}` : `${fewer}:${more}`;
}

/** So many weekdays in a row are hardly holidays. */
const HOLIDAYS_MAX = 3;

interface Holes {
  check(previous: BarRow, row: BarRow): void;
  findings(): QualityFinding[];
}

function createHoles(timeframe: Timeframe): Holes {
  const holidays = createTally();
  const absences = createTally();
  const gaps = createTally();
  const barUs = timeframeMs(timeframe) * 1000;
  return {
    check(previous, row) {
      const between = (): string => `between ${timeText(previous.timeUs)} and ${placeOf(row)}`;
      if (timeframe === '1w') {
        const weeks = Math.round((row.timeUs - previous.timeUs) / barUs) - 1;
        if (weeks > 0) gaps.note(() => `${counted(weeks, 'week')} ${between()}`);
      } else if (row.day === previous.day) {
        const bars = Math.floor((row.timeUs - previous.timeUs) / barUs) - 1;
        if (bars > 0) gaps.note(() => `${counted(bars, 'bar')} ${between()}`);
      } else {
        const days = weekdaysBetween(previous.day, row.day);
        if (days > HOLIDAYS_MAX) absences.note(() => `${counted(days, 'weekday')} ${between()}`);
        else if (days > 0) holidays.note(() => `${counted(days, 'weekday')} ${between()}`);
      }
    },
    findings: () => [
      ...absences.findings({
        kind: 'hole',
        severity: 'warning',
        message: `${counted(absences.count, 'hole')} of ${HOLIDAYS_MAX + 1} weekdays or more; rule: every weekday has bars`,
      }),
      ...holidays.findings({
        kind: 'hole',
        severity: 'info',
        message: `${counted(holidays.count, 'hole')} of 1 to ${HOLIDAYS_MAX} weekdays, most likely holidays; rule: every weekday has bars`,
      }),
      ...gaps.findings({
        kind: 'hole',
        severity: 'warning',
        message:
          timeframe === '1w'
            ? `${counted(gaps.count, 'hole')}; rule: every week has a bar`
            : `${counted(gaps.count, 'hole')} within a day; rule: from a day's first bar to its last, one every ${timeframe}`,
      }),
    ],
  };
}

/** Weekdays strictly between two days since 1970-01-01, which was a Thursday. */
export function weekdaysBetween(from: number, to: number): number {
  return Math.max(0, weekdaysBefore(to) - weekdaysBefore(from + 1));
}

/** Weekdays from a Monday far back up to, and without, the day. */
function weekdaysBefore(day: number): number {
  const sinceMonday = day + 3;
  const week = Math.floor(sinceMonday / 7);
  return week * 5 + Math.min(5, sinceMonday - week * 7);
}
