/** A time stamp as it is written. */
export interface Stamp {
  /** Microseconds since 1970 of the written date and time, as if they were UTC. */
  readonly localUs: number;
  /** Local time minus UTC; undefined when the stamp does not say. */
  readonly offsetUs: number | undefined;
}

export const STAMP_HINT =
  'write times as 2020-01-31, 2020-01-31 15:30, 2020-01-31T15:30:00-05:00, 20200131 or Unix seconds';

export const DAY_US = 86_400_000_000;

/**
 * Reads 2020-01-31 or 20200131, either with a time of day (`T` or a blank before it; seconds and fraction
 * optional) and that with `Z` or an offset; or a Unix time in seconds, milliseconds, microseconds or
 * nanoseconds, told apart by its digits. Undefined when it is none of these, no day of the calendar,
 * outside the years 1900 to 2199, or finer than a microsecond.
 */
export function parseStamp(text: string): Stamp | undefined {
  const match = DASHED.exec(text) ?? COMPACT.exec(text);
  if (match === null) return parseUnixTime(text.trim());
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const startMs = dayStartMs(Number(year), Number(month), Number(day));
  const timeMs = timeOfDayMs(Number(hour), Number(minute), Number(second));
  if (startMs === undefined || timeMs === undefined || finerThanMicroseconds(fraction)) return undefined;
  const fractionUs = fraction === '' ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'));
  const offsetUs = zone === undefined ? undefined : parseOffset(zone);
  if (offsetUs !== undefined && Number.isNaN(offsetUs)) return undefined;
  return { localUs: (startMs + timeMs) * 1000 + fractionUs, offsetUs };
}

const TIME_OF_DAY = String.raw`(?:[Tt ] *(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?))?)?`;
const DASHED = new RegExp(String.raw`^\s*(\d{4})-(\d\d)-(\d\d)${TIME_OF_DAY}\s*$`);
const COMPACT = new RegExp(String.raw`^\s*(\d{4})(\d\d)(\d\d)${TIME_OF_DAY}\s*$`);

const YEAR_MIN = 1900;
const YEAR_MAX = 2199;

function dayStartMs(year: number, month: number, day: number): number | undefined {
  if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const startMs = Date.UTC(year, month - 1, day);
  // Date.UTC makes 31 February a day of March.
  return day > 28 && new Date(startMs).getUTCDate() !== day ? undefined : startMs;
}

function timeOfDayMs(hour: number, minute: number, second: number): number | undefined {
  return hour > 23 || minute > 59 || second > 59 ? undefined : ((hour * 60 + minute) * 60 + second) * 1000;
}

function finerThanMicroseconds(fraction: string): boolean {
  return fraction.length > 6 && Number(fraction.slice(6)) !== 0;
}

/** NaN for an offset that no clock has. */
function parseOffset(zone: string): number {
  if (zone === 'Z' || zone === 'z' || zone === 'UTC') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  if (hours > 14 || minutes > 59) return Number.NaN;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000_000;
}

/** Digits of a Unix time of 1973 or later, and its microseconds per unit. */
const UNIX_UNITS: Readonly<Record<number, number>> = {
  9: 1e6,
  10: 1e6,
  12: 1e3,
  13: 1e3,
  15: 1,
  16: 1,
  18: 1e-3,
  19: 1e-3,
};

/** A fraction is taken when it is zero, as float columns are written. */
function parseUnixTime(text: string): Stamp | undefined {
  const digits = /^(\d{9,19})(?:\.0*)?$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const unit = UNIX_UNITS[digits.length];
  if (unit === undefined) return undefined;
  if (unit < 1 && !digits.endsWith('000')) return undefined;
  const localUs = unit < 1 ? Number(digits.slice(0, -3)) : Number(digits) * unit;
  return localUs < LATEST_US ? { localUs, offsetUs: 0 } : undefined;
}

const LATEST_US = Date.UTC(YEAR_MAX + 1, 0, 1) * 1000;
