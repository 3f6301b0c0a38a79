import { nearest } from '#agent/kit/nearest';
import type { Refuse } from './refusal';
import { DAY_US } from './stamp';

/** How a local time became UTC: a clock that is put back shows a time twice, one put forward leaves some out. */
export interface Resolved {
  readonly utcUs: number;
  readonly kind: 'exact' | 'twice' | 'skipped';
}

export interface Zone {
  readonly id: string;
  /**
   * UTC of a local time, both in microseconds. A time that the clock shows twice is taken as the second
   * one when the first would not be later than `previousUs`: in a file in order, the first has passed.
   * A time left out is read with the offset before the change, as Temporal's `compatible` does.
   */
  toUtc(localUs: number, previousUs: number): Resolved;
}

export const UTC: Zone = { id: 'UTC', toUtc: (localUs) => ({ utcUs: localUs, kind: 'exact' }) };

/** The zone of an IANA name or an offset such as +02:00; Fault(invalid) with a suggestion otherwise. */
export function createZone(name: string, refuse: Refuse): Zone {
  const id = canonicalName(name);
  if (id === undefined) throw unknownZone(name, refuse);
  if (id === 'UTC') return UTC;
  // Offset of each local day, NaN where it changes within the day: Temporal is asked per day, not per row.
  const offsetsUs = new Map<number, number>();
  return {
    id,
    toUtc(localUs, previousUs) {
      const day = Math.floor(localUs / DAY_US);
      let offsetUs = offsetsUs.get(day);
      if (offsetUs === undefined) {
        offsetUs = offsetOfDay(day, id);
        if (offsetsUs.size >= DAYS_MAX) offsetsUs.clear();
        offsetsUs.set(day, offsetUs);
      }
      if (!Number.isNaN(offsetUs)) return { utcUs: localUs - offsetUs, kind: 'exact' };
      return resolve(localUs, id, previousUs);
    },
  };
}

const DAYS_MAX = 100_000;

function canonicalName(name: string): string | undefined {
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId.replace(/^utc$/i, 'UTC');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function unknownZone(name: string, refuse: Refuse): Error {
  const zones = Intl.supportedValuesOf('timeZone');
  const place = name.trim().replaceAll(' ', '_').toLowerCase();
  const meant =
    zones.find((zone) => zone.toLowerCase().endsWith(`/${place}`)) ??
    nearest(name, zones) ??
    'America/New_York';
  return refuse(
    `"${name.slice(0, 64)}" is not a time zone`,
    `did you mean ${meant}? zones are IANA names such as Europe/Berlin, or UTC`,
  );
}

function offsetOfDay(day: number, zone: string): number {
  const start = resolve(day * DAY_US, zone, -Infinity);
  const last = resolve((day + 1) * DAY_US - 1, zone, -Infinity);
  const offsetUs = day * DAY_US - start.utcUs;
  const steady = start.kind === 'exact' && last.kind === 'exact' && last.utcUs - start.utcUs === DAY_US - 1;
  return steady ? offsetUs : Number.NaN;
}

function resolve(localUs: number, zone: string, previousUs: number): Resolved {
  const local = plainDateTime(localUs);
  const earlierUs = utcOf(local, zone, 'earlier');
  const laterUs = utcOf(local, zone, 'later');
  if (earlierUs === laterUs) return { utcUs: earlierUs, kind: 'exact' };
  // Of a time left out, `earlier` and `later` are read with the offset after and before the change.
  if (isLeftOut(local, earlierUs, zone)) return { utcUs: laterUs, kind: 'skipped' };
  return { utcUs: earlierUs > previousUs ? earlierUs : laterUs, kind: 'twice' };
}

function isLeftOut(local: Temporal.PlainDateTime, utcUs: number, zone: string): boolean {
  const instant = new Temporal.Instant(BigInt(utcUs) * 1000n);
  return !instant.toZonedDateTimeISO(zone).toPlainDateTime().equals(local);
}

function utcOf(local: Temporal.PlainDateTime, zone: string, disambiguation: 'earlier' | 'later'): number {
  return Number(local.toZonedDateTime(zone, { disambiguation }).epochNanoseconds / 1000n);
}

function plainDateTime(localUs: number): Temporal.PlainDateTime {
  return new Temporal.Instant(BigInt(localUs) * 1000n).toZonedDateTimeISO('UTC').toPlainDateTime();
}
