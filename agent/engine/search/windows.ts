import { assert } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import type { Bars } from '#agent/engine/bars';
import { indexAtOrAfter } from '#agent/engine/bars';
import type { WalkForwardSpecification } from './specification';

/** Indices of bars, `to` exclusive. */
export interface BarRange {
  readonly from: number;
  readonly to: number;
}

/** One step of a walk forward: parameters are chosen on `train` and tested on `test`, which follows it. */
export interface WalkForwardWindow {
  readonly train: BarRange;
  readonly test: BarRange;
}

/**
 * What decides how many windows there are before any bar is read: the number of bars, or, for windows
 * in months, the days that the user named (ISO; the end exclusive).
 */
export interface Extent {
  readonly barCount: number;
  readonly start: string | null;
  readonly end: string | null;
}

/** Windows of one sweep; more would be tests of a few bars each. */
export const WINDOWS_MAX = 10_000;

/**
 * How many windows fit. Each begins one test part after the one before, so that the test parts follow
 * each other without overlap; the last of them may be cut short by the end of the data.
 * Throws Fault `invalid` when there is none, too many, or months without both dates.
 */
export function countWindows(specification: WalkForwardSpecification, extent: Extent): number {
  const { train, test, total } = measure(specification, extent);
  const count = Math.ceil((total - train) / test);
  if (count < 1) throw tooShort(specification, extent);
  if (count > WINDOWS_MAX) {
    throw new Fault('invalid', `Cannot walk forward through ${count} windows: the limit is ${WINDOWS_MAX}`, {
      hint: 'lengthen the test part',
    });
  }
  return count;
}

/**
 * The windows over `bars`, of which there are `countWindows`. In months they lie between the same days
 * of months (UTC), so that one may hold few bars or none: such a part is an empty range.
 */
export function windowsOf(
  specification: WalkForwardSpecification,
  extent: Extent,
  bars: Bars,
): WalkForwardWindow[] {
  const count = countWindows(specification, extent);
  const { train, test } = measure(specification, extent);
  const gap = specification.gap_bars;
  const barAt = barOfStep(specification, extent, bars);
  const anchor = barAt(0);
  return Array.from({ length: count }, (_, index) => {
    const first = index * test;
    const testFrom = barAt(first + train);
    const trainFrom = specification.anchored ? anchor : barAt(first);
    return {
      train: { from: trainFrom, to: Math.max(trainFrom, testFrom - gap) },
      test: { from: testFrom, to: barAt(first + train + test) },
    };
  });
}

/** Lengths in steps of one kind: bars, with the gap between the parts, or months. */
interface Measure {
  train: number;
  test: number;
  total: number;
}

function measure(specification: WalkForwardSpecification, extent: Extent): Measure {
  const { train_bars, test_bars, train_months, test_months, gap_bars } = specification;
  if (train_bars !== undefined && test_bars !== undefined) {
    // A test of one bar has no return but a forced exit: it is left out.
    return { train: train_bars + gap_bars, test: test_bars, total: extent.barCount - 1 };
  }
  assert(train_months !== undefined && test_months !== undefined, 'a walk forward has lengths');
  return { train: train_months, test: test_months, total: monthsBetween(extent) };
}

/** Whole and begun months from the start to the end. */
function monthsBetween({ start, end }: Extent): number {
  if (start === null || end === null) {
    throw new Fault('invalid', 'Cannot walk forward by months: the request has no start and end', {
      hint: 'give start_date and end_date, or train_bars and test_bars',
    });
  }
  let months = 0;
  const startMs = Date.parse(start);
  const endMs = Date.parse(end);
  while (months <= MONTHS_MAX && addMonths(startMs, months) < endMs) months++;
  return months;
}

/** More months than times can have. */
const MONTHS_MAX = 12 * 10_000;

/** Maps a boundary, in bars or months from the start, to the first bar that is not before it. */
function barOfStep(
  specification: WalkForwardSpecification,
  { start }: Extent,
  bars: Bars,
): (step: number) => number {
  if (specification.train_bars !== undefined) return (step) => Math.min(step, bars.length);
  const startMs = Date.parse(start ?? '');
  return (step) => indexAtOrAfter(bars, BigInt(addMonths(startMs, step)) * 1000n);
}

/** The same day so many months later, or the last day of a month that is too short. */
function addMonths(timeMs: number, months: number): number {
  const date = new Date(timeMs);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, days));
  return date.getTime();
}

function tooShort(specification: WalkForwardSpecification, { barCount }: Extent): Fault {
  const { train_bars, train_months, gap_bars } = specification;
  const needs = train_bars === undefined ? `${train_months} months` : `${train_bars + gap_bars} bars`;
  const has = train_bars === undefined ? 'the dates span no more' : `there are ${barCount}`;
  return new Fault(
    'invalid',
    `Cannot walk forward: training takes ${needs}, which leaves nothing to test, since ${has}`,
    { hint: 'shorten the training part, or widen the dates' },
  );
}
