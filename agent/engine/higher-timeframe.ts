import { timeframeMs } from '#agent/contract/timeframe';
import type { Timeframe } from '#agent/contract/timeframe';
import { Fault } from '#agent/kit/error';
import { createBars } from './bars';
import type { Bars } from './bars';

/** Bars of a longer timeframe, and which of them the closes of the base bars can know. */
export interface HigherTimeframe {
  /** Those that had closed by the close of the last base bar. */
  readonly bars: Bars;
  /** For each base bar the index of the last higher bar that has closed by the base bar's own close; −1: none. */
  readonly closedIndex: Int32Array;
  /** Brings a column of the higher bars to the base bars; NaN before the first has closed. */
  align(this: void, column: Float64Array): Float64Array;
}

/**
 * Aggregates `bars` to `higher`. Higher bars begin at multiples of their length in UTC, weeks on
 * Mondays, and close at their nominal end: when trading stops earlier nobody knows at that moment, so a
 * Friday's close shows the week only at the close of the next bar. The first one may lack its beginning.
 * Throws Fault `invalid` unless `higher` is longer than the bars' own timeframe.
 */
export function alignHigherTimeframe(bars: Bars, higher: Timeframe): HigherTimeframe {
  const baseUs = timeframeMs(bars.timeframe) * 1000;
  const higherUs = timeframeMs(higher) * 1000;
  if (higherUs <= baseUs) {
    throw new Fault('invalid', `Cannot show ${higher} bars to ${bars.timeframe} bars: they are not longer`, {
      hint: `choose a timeframe above ${bars.timeframe}, or run the strategy on shorter bars`,
    });
  }
  // 1970-01-05, four days after the beginning, was the first Monday; of shorter bars a multiple too.
  const originUs = higher === '1w' ? 4 * DAY_US : 0;
  const groups = createGroups(bars.length);
  const closedIndex = new Int32Array(bars.length);
  let end = -Infinity;
  for (let i = 0; i < bars.length; i++) {
    const timeUs = Number(bars.time[i]);
    if (timeUs >= end) {
      const start = originUs + Math.floor((timeUs - originUs) / higherUs) * higherUs;
      end = start + higherUs;
      groups.begin(start, bars.open[i] as number);
    }
    groups.add(bars, i);
    closedIndex[i] = timeUs + baseUs >= end ? groups.count() - 1 : groups.count() - 2;
  }
  const closed = bars.length === 0 ? 0 : (closedIndex[bars.length - 1] as number) + 1;
  return {
    bars: groups.toBars(bars.symbol, higher, closed),
    closedIndex,
    align: (column) => alignColumn(column, closedIndex),
  };
}

const DAY_US = 86_400_000_000;

function alignColumn(column: Float64Array, closedIndex: Int32Array): Float64Array {
  const aligned = new Float64Array(closedIndex.length);
  for (let i = 0; i < aligned.length; i++) {
    const index = closedIndex[i] as number;
    aligned[i] = index < 0 ? NaN : (column[index] as number);
  }
  return aligned;
}

interface Groups {
  begin(timeUs: number, open: number): void;
  /** Adds base bar i to the group begun last. */
  add(bars: Bars, i: number): void;
  count(): number;
  toBars(symbol: string, timeframe: Timeframe, closed: number): Bars;
}

function createGroups(lengthMax: number): Groups {
  const time = new BigInt64Array(lengthMax);
  const [open, high, low, close, volume] = [0, 1, 2, 3, 4].map(() => new Float64Array(lengthMax)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let last = -1;
  return {
    count: () => last + 1,
    begin(timeUs, price) {
      last++;
      time[last] = BigInt(timeUs);
      open[last] = price;
      high[last] = -Infinity;
      low[last] = Infinity;
    },
    add(bars, i) {
      high[last] = Math.max(high[last] as number, bars.high[i] as number);
      low[last] = Math.min(low[last] as number, bars.low[i] as number);
      close[last] = bars.close[i] as number;
      volume[last] = (volume[last] as number) + (bars.volume[i] as number);
    },
    toBars(symbol, timeframe, closed) {
      return createBars(symbol, timeframe, {
        time: time.slice(0, closed),
        open: open.slice(0, closed),
        high: high.slice(0, closed),
        low: low.slice(0, closed),
        close: close.slice(0, closed),
        volume: volume.slice(0, closed),
      });
    },
  };
}
