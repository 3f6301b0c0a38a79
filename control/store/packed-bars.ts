import { assert } from '#agent/kit/assert';
import type { Sql } from './sql';

/** Columns of equal length; the shape that `#agent/engine/bars` calls BarColumns. */
export interface StoredColumns {
  /** Microseconds since 1970 UTC. */
  time: BigInt64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
}

/** What a page gives: rows become columns already in the server, as PostgreSQL's binary form. */
export interface PackedPage {
  count: number;
  time: Uint8Array | null;
  open: Uint8Array | null;
  high: Uint8Array | null;
  low: Uint8Array | null;
  close: Uint8Array | null;
  volume: Uint8Array | null;
}

/**
 * The select list that packs rows of `at, open, high, low, close, volume` into one row of byte strings.
 * Much cheaper here than a row each (COPY sends a message a row): 20,000 bars are 7 values to read, and
 * doubles and microseconds arrive bit by bit. The rows keep the order of the sorted subquery they come from.
 */
export function packedColumns(sql: Sql) {
  return sql`
    count(*)::int as count,
    string_agg(timestamptz_send(at), ''::bytea) as time,
    string_agg(float8send(open), ''::bytea) as open,
    string_agg(float8send(high), ''::bytea) as high,
    string_agg(float8send(low), ''::bytea) as low,
    string_agg(float8send(close), ''::bytea) as close,
    string_agg(float8send(volume), ''::bytea) as volume`;
}

export function unpackPage(page: PackedPage): StoredColumns {
  return {
    time: unpackTimes(page.time, page.count),
    open: unpackFloats(page.open, page.count),
    high: unpackFloats(page.high, page.count),
    low: unpackFloats(page.low, page.count),
    close: unpackFloats(page.close, page.count),
    volume: unpackFloats(page.volume, page.count),
  };
}

function unpackFloats(bytes: Uint8Array | null, count: number): Float64Array {
  return new Float64Array(unpack(bytes, count));
}

/** PostgreSQL counts from 2000-01-01, microseconds after 1970. */
export const POSTGRES_EPOCH_US = 946_684_800_000_000n;

function unpackTimes(bytes: Uint8Array | null, count: number): BigInt64Array {
  const times = new BigInt64Array(unpack(bytes, count));
  for (let index = 0; index < count; index++) times[index] = (times[index] as bigint) + POSTGRES_EPOCH_US;
  return times;
}

/** Network byte order to that of the machine, in memory of its own, which is aligned. */
function unpack(bytes: Uint8Array | null, count: number): ArrayBuffer {
  const buffer = new ArrayBuffer(count * 8);
  if (bytes === null) return buffer;
  assert(bytes.length === count * 8, `a packed column has ${bytes.length} bytes for ${count} rows`);
  const target = Buffer.from(buffer);
  target.set(bytes);
  target.swap64();
  return buffer;
}
