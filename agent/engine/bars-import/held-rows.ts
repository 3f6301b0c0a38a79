import { assert } from '#agent/kit/assert';
import type { BarRow } from './bar-row';
import type { Refuse } from './refusal';

/**
 * Most rows that are held back to be sorted, 64 bytes each. The older half is let go when they are reached:
 * a file of so many rows may be in any order, and in a longer one a row may be late by half of them.
 */
export const HELD_ROWS_MAX = 1_048_576;

/** Rows in the order of the file, until they are taken out in the order of time. */
export interface HeldRows {
  readonly length: number;
  /** Whether some must be let go before more than a block of lines is added. */
  readonly full: boolean;
  /** Rows older than the one before them. */
  readonly descents: number;
  /** Whether every row is as old as the one before it or older: newest first. */
  readonly newestFirst: boolean;
  /** Fault(invalid) when the row belongs before rows that were let go already. */
  append(row: BarRow): void;
  /** Indices by time, then by line. Yields now and then, so that others get their turn. */
  order(): Generator<undefined, Uint32Array, undefined>;
  read(index: number, into: BarRow): void;
  /** Lets the first `count` rows of an order go; the others stay, sorted. Yields as `order` does. */
  release(order: Uint32Array, count: number): Generator<undefined, void, undefined>;
}

export function createHeldRows(refuse: Refuse, rowsMax = HELD_ROWS_MAX): HeldRows {
  let pages: Float64Array[] = [];
  let length = 0;
  let sorted = true;
  let descents = 0;
  let ascents = 0;
  let previousUs = Number.NaN;
  let latestUs = -Infinity;
  let releasedUs = -Infinity;

  return {
    get length() {
      return length;
    },
    get full() {
      return length >= rowsMax;
    },
    get descents() {
      return descents;
    },
    get newestFirst() {
      return descents > 0 && ascents === 0;
    },
    append(row) {
      assert(length < rowsMax + BLOCK_ROWS_MAX, 'more rows than may be held');
      if (row.timeUs < releasedUs) throw tooLate(row, rowsMax, refuse);
      if (row.timeUs < previousUs) descents++;
      else if (row.timeUs > previousUs) ascents++;
      previousUs = row.timeUs;
      if (row.timeUs < latestUs) sorted = false;
      else latestUs = row.timeUs;
      if (length === pages.length * PAGE_ROWS) pages.push(new Float64Array(PAGE_ROWS * STRIDE));
      writeRow(pages, length++, row);
    },
    *order() {
      const indices = new Uint32Array(length);
      for (let i = 0; i < length; i++) indices[i] = i;
      return sorted ? indices : yield* sortByTime(indices, pages);
    },
    read: (index, into) => readRow(pages, index, into),
    *release(order, count) {
      assert(count > 0 && count <= length, 'rows to let go are held');
      releasedUs = timeAt(pages, order[count - 1]);
      pages = yield* gather(pages, order.subarray(count));
      length -= count;
      sorted = true;
    },
  };
}

/** A block has at most 128 KiB, and the shortest row 19 bytes. */
const BLOCK_ROWS_MAX = 8192;
/** Memory grows by pages of 512 KiB, never by a copy of everything. */
const PAGE_BITS = 13;
const PAGE_ROWS = 1 << PAGE_BITS;
/** Cells of a row, side by side: a row is moved as one. */
const STRIDE = 8;

function pageOf(pages: readonly Float64Array[], index: number): Float64Array {
  return pages[index >>> PAGE_BITS] as Float64Array;
}

/** The first cell of a row within its page; the time is in it. */
function cellOf(index: number): number {
  return (index & (PAGE_ROWS - 1)) * STRIDE;
}

function timeAt(pages: readonly Float64Array[], index: number | undefined): number {
  return pageOf(pages, index as number)[cellOf(index as number)] as number;
}

function writeRow(pages: readonly Float64Array[], index: number, row: BarRow): void {
  const cells = pageOf(pages, index);
  const at = cellOf(index);
  cells[at] = row.timeUs;
  cells[at + 1] = row.line;
  cells[at + 2] = row.day;
  cells[at + 3] = row.open;
  cells[at + 4] = row.high;
  cells[at + 5] = row.low;
  cells[at + 6] = row.close;
  cells[at + 7] = row.volume;
}

function readRow(pages: readonly Float64Array[], index: number, into: BarRow): void {
  const cells = pageOf(pages, index);
  const at = cellOf(index);
  into.timeUs = cells[at] as number;
  into.line = cells[at + 1] as number;
  into.day = cells[at + 2] as number;
  into.open = cells[at + 3] as number;
  into.high = cells[at + 4] as number;
  into.low = cells[at + 5] as number;
  into.close = cells[at + 6] as number;
  into.volume = cells[at + 7] as number;
}

/** A copy of the rows of `order`, in its order. */
function* gather(
  pages: readonly Float64Array[],
  order: Uint32Array,
): Generator<undefined, Float64Array[], undefined> {
  const copy: Float64Array[] = [];
  for (let first = 0; first < order.length; first += PAGE_ROWS) {
    const cells = new Float64Array(PAGE_ROWS * STRIDE);
    const rows = order.subarray(first, first + PAGE_ROWS);
    for (let i = 0; i < rows.length; i++) {
      const index = rows[i] as number;
      const from = pageOf(pages, index);
      const at = cellOf(index);
      for (let cell = 0; cell < STRIDE; cell++) cells[i * STRIDE + cell] = from[at + cell] as number;
    }
    copy.push(cells);
    yield;
  }
  return copy;
}

/** Merge sort, from runs of one row up: stable, so rows of one time stay in the order of their lines. */
function* sortByTime(
  indices: Uint32Array<ArrayBuffer>,
  pages: readonly Float64Array[],
): Generator<undefined, Uint32Array, undefined> {
  let from = indices;
  let to = new Uint32Array(indices.length);
  for (let width = 1; width < from.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takeLeft =
          left < middle && (right >= end || timeAt(pages, from[left]) <= timeAt(pages, from[right]));
        to[at] = from[takeLeft ? left++ : right++] as number;
        if ((at & TURN_MASK) === TURN_MASK) yield;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

/** So many rows are moved in a turn, about a millisecond: one less than a power of two. */
const TURN_MASK = 32_767;

function tooLate(row: BarRow, rowsMax: number, refuse: Refuse): Error {
  const rows = (rowsMax / 2).toLocaleString('en-US');
  return refuse(
    `line ${row.line} is out of order by more than ${rows} rows`,
    'sort the file by time first: (head -n 1 FILE; tail -n +2 FILE | sort) > SORTED',
  );
}
