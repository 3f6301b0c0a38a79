import { assert } from '#agent/kit/assert';
import type { Timeframe } from '#agent/contract/timeframe';

/**
 * Price history as columns of equal length, oldest bar first, times strictly ascending.
 * Columns are shared between runs and with the host's mapped file: nobody writes to them.
 */
export interface Bars extends BarColumns {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly length: number;
}

export interface BarColumns {
  /** Microseconds since 1970 UTC of each bar's open. */
  readonly time: BigInt64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

export const PRICE_SOURCES = ['open', 'high', 'low', 'close', 'volume'] as const;
export type PriceSource = (typeof PRICE_SOURCES)[number];

/** Wraps columns without copying them; unequal lengths are a bug of the caller. */
export function createBars(symbol: string, timeframe: Timeframe, columns: BarColumns): Bars {
  const { time, open, high, low, close, volume } = columns;
  const length = time.length;
  for (const column of [open, high, low, close, volume]) {
    assert(column.length === length, `bars of ${symbol} have columns of unequal length`);
  }
  return { symbol, timeframe, length, time, open, high, low, close, volume };
}

/** The bars with `fromUs` ≤ open time < `toUs` (microseconds UTC), as views on the same memory. */
export function slice(bars: Bars, fromUs: bigint, toUs: bigint): Bars {
  const first = indexAtOrAfter(bars, fromUs);
  return sliceIndices(bars, first, Math.max(first, indexAtOrAfter(bars, toUs)));
}

/** The bars `first` to `end` − 1, as views on the same memory. */
export function sliceIndices(bars: Bars, first: number, end: number): Bars {
  return createBars(bars.symbol, bars.timeframe, {
    time: bars.time.subarray(first, end),
    open: bars.open.subarray(first, end),
    high: bars.high.subarray(first, end),
    low: bars.low.subarray(first, end),
    close: bars.close.subarray(first, end),
    volume: bars.volume.subarray(first, end),
  });
}

/** Index of the first bar whose open time is `timeUs` or later; `length` when there is none. */
export function indexAtOrAfter(bars: Bars, timeUs: bigint): number {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bars.time[middle] as bigint) < timeUs) low = middle + 1;
    else high = middle;
  }
  return low;
}
