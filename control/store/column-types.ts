import type { PostgresType } from 'postgres';
import { assert } from '#agent/kit/assert';
import { instantOfPostgres } from './instant';

const OID = {
  json: 114,
  jsonb: 3802,
  int8: 20,
  numeric: 1700,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
} as const;

/**
 * How columns become values, instead of postgres.js's defaults: those keep int8 as a string, and make a
 * Date of timestamptz, which loses microseconds.
 */
export const columnTypes: Record<string, PostgresType> = {
  json: {
    to: OID.json,
    from: [OID.json, OID.jsonb],
    serialize: storableJson,
    parse: (text: string): unknown => JSON.parse(text),
  },
  bigint: {
    to: OID.int8,
    from: [OID.int8],
    serialize: (value: bigint | number) => String(value),
    parse: safeInteger,
  },
  numeric: { to: OID.numeric, from: [OID.numeric], serialize: String, parse: safeNumber },
  date: { to: OID.date, from: [OID.date], serialize: String, parse: String },
  timestamp: { to: OID.timestamp, from: [OID.timestamp], serialize: String, parse: String },
  timestamptz: {
    to: OID.timestamptz,
    from: [OID.timestamptz],
    serialize: (value: Date | string) => (value instanceof Date ? value.toISOString() : value),
    parse: instantOfPostgres,
  },
};

/**
 * PostgreSQL's text has no NUL and no half of a surrogate pair, but what a job prints may hold both, and
 * so may a message that was cut. JSON.stringify escapes these and no other character above U+001F.
 */
function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\u')) return text;
  return text.replaceAll(
    /(\\\\)|\\u(?:0000|d[89a-f][0-9a-f]{2})/g,
    (_, backslash?: string) => backslash ?? '\\ufffd',
  );
}

function safeInteger(text: string): number {
  const value = Number(text);
  assert(Number.isSafeInteger(value), `the integer ${text} does not fit a number; select it as text`);
  return value;
}

/** Sums and averages; a numeric that is a whole number must be exact, others are rounded to a double. */
function safeNumber(text: string): number {
  const value = Number(text);
  const isExact = !Number.isInteger(value) || Number.isSafeInteger(value);
  assert(isExact, `the number ${text} does not fit a double; select it as text`);
  return value;
}
