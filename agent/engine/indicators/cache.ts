import { assert } from '#agent/kit/assert';
import type { Bars, PriceSource } from '#agent/engine/bars';
import { INDICATORS } from './registry';
import type { IndicatorName } from './registry';

/** Indicators of one process, each computed once and shared; callers never write to what they get. */
export interface IndicatorCache {
  indicator(bars: Bars, name: IndicatorName, period: number, source?: PriceSource): Float64Array;
  readonly bytes: number;
}

export interface IndicatorCacheOptions {
  /** The least recently used columns go first; a column larger than this is computed and not kept. */
  bytesMax: number;
}

const INDICATOR_CACHE_DEFAULTS: IndicatorCacheOptions = { bytesMax: 256 * 1024 * 1024 };

/**
 * Columns are keyed by the identity of the bars' price column: a sweep that holds one `Bars` computes
 * sma(20) once, and another `Bars`, even an equal one, never sees it.
 */
export function createIndicatorCache({
  bytesMax,
}: IndicatorCacheOptions = INDICATOR_CACHE_DEFAULTS): IndicatorCache {
  assert(bytesMax >= 0, 'an indicator cache needs a size of 0 bytes or more');
  // A Map iterates in order of insertion, and a hit inserts anew: the first entry is the oldest.
  const columns = new Map<string, Float64Array>();
  const sourceIds = new WeakMap<Float64Array, number>();
  let nextSourceId = 0;
  let bytes = 0;

  const sourceId = (source: Float64Array): number => {
    const known = sourceIds.get(source);
    if (known !== undefined) return known;
    sourceIds.set(source, nextSourceId);
    return nextSourceId++;
  };
  const keep = (key: string, column: Float64Array): void => {
    if (column.byteLength > bytesMax) return;
    columns.set(key, column);
    bytes += column.byteLength;
    for (const [oldest, dropped] of columns) {
      if (bytes <= bytesMax) break;
      columns.delete(oldest);
      bytes -= dropped.byteLength;
    }
  };

  return {
    get bytes() {
      return bytes;
    },
    indicator(bars, name, period, source = 'close') {
      const column = bars[source];
      const key = `${sourceId(column)} ${name} ${period}`;
      const hit = columns.get(key);
      if (hit !== undefined) {
        columns.delete(key);
        columns.set(key, hit);
        return hit;
      }
      const computed = INDICATORS[name](column, period);
      keep(key, computed);
      return computed;
    },
  };
}
