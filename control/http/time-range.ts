import { Fault } from '#agent/kit/error';

/** UTC microseconds; null is open. The end is exclusive. */
export interface TimeRange {
  startUs: number | null;
  endUs: number | null;
}

/** Days begin at 00:00 UTC. Throws Fault `invalid` when the end is not after the start. */
export function timeRange(start: string | undefined, end: string | undefined): TimeRange {
  const microseconds = (text: string | undefined): number | null =>
    text === undefined ? null : Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text) * 1000;
  const range = { startUs: microseconds(start), endUs: microseconds(end) };
  if (range.startUs !== null && range.endUs !== null && range.endUs <= range.startUs) {
    throw new Fault('invalid', `Cannot show bars from ${start} to ${end}: the end is not after the start`, {
      hint: 'the end is exclusive: name the day after the last one',
    });
  }
  return range;
}
