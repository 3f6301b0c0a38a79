import type { BarColumns } from '#agent/engine/bars';

/** One bar of a file. Microseconds are numbers here: exact beyond the year 2200, and far faster than BigInt. */
export interface BarRow {
  /** Line of the file, from 1. */
  line: number;
  /** Days since 1970 of its local date, by the offset or the time zone of its stamp. */
  day: number;
  /** Microseconds since 1970 UTC. */
  timeUs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Bars with the line of the file that each came from. */
export interface ImportedBars extends BarColumns {
  readonly line: Float64Array;
}

export function emptyRow(): BarRow {
  return { line: 0, day: 0, timeUs: 0, open: 0, high: 0, low: 0, close: 0, volume: 0 };
}

/** "line 7 (2020-01-31)", with the time of day in UTC when there is one. */
export function placeOf(row: BarRow): string {
  return `line ${row.line} (${timeText(row.timeUs)})`;
}

export function timeText(timeUs: number): string {
  const text = new Date(timeUs / 1000).toISOString();
  return text.replace('T00:00:00.000Z', '').replace('.000Z', 'Z');
}
