import { assert, present } from '#agent/kit/assert';
import type { Bars, PriceSource } from '#agent/engine/bars';
import { parseParameters } from '#agent/engine/strategy/parameters';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import type { Indicator, IndicatorColumns, IndicatorOutputs } from './indicator';
import { indicatorNamed } from './registry';

/**
 * Indicators of one process, each computed once and shared; callers never write to what they get, and
 * keep it no longer than until the next `beginRun`.
 */
export interface IndicatorCache {
  /** The first output of an indicator that needs no more than a period. */
  indicator(bars: Bars, name: string, period: number, source?: PriceSource): Float64Array;
  /** All outputs of an indicator. */
  outputs(bars: Bars, request: IndicatorRequest): IndicatorOutputs;
  /**
   * Nobody uses any column that was handed out before: those that the cache has since let go of are
   * written to again, because the pages of a fresh column cost as much as an average computed in it.
   */
  beginRun(): void;
  readonly bytes: number;
}

export interface IndicatorRequest {
  indicator: Indicator;
  /** From `parseParameters`: defaults filled in, in the order of the schema. */
  parameters: ParameterValues;
  /** Column of the bars, or any other of their length such as another indicator's output; default close. */
  source?: PriceSource | Float64Array;
}

export interface IndicatorCacheOptions {
  /** The least recently used go first; one whose columns are larger than this is computed and not kept. */
  bytesMax: number;
}

const INDICATOR_CACHE_DEFAULTS: IndicatorCacheOptions = { bytesMax: 256 * 1024 * 1024 };

/** More are not taken back: a run has few columns. */
const SPARES_MAX = 16;

interface Entry {
  outputs: IndicatorOutputs;
  bytes: number;
  /** Columns that belong to this entry alone. */
  own: Float64Array[];
}

/**
 * Entries are keyed by the identity of the columns that the indicator reads, its name and its
 * parameters: a sweep that holds one `Bars` computes sma(20) once, and another `Bars`, even an equal
 * one, never sees it.
 */
export function createIndicatorCache({
  bytesMax,
}: IndicatorCacheOptions = INDICATOR_CACHE_DEFAULTS): IndicatorCache {
  assert(bytesMax >= 0, 'an indicator cache needs a size of 0 bytes or more');
  // A Map iterates in order of insertion, and a hit inserts anew: the first entry is the oldest.
  const entries = new Map<string, Entry>();
  const ids = createColumnIds();
  const spares = createSpareColumns((column) => ids.forget(column));
  let bytes = 0;

  const keep = (key: string, entry: Entry): void => {
    if (entry.bytes > bytesMax) return spares.retire(entry.own);
    entries.set(key, entry);
    bytes += entry.bytes;
    for (const [oldest, dropped] of entries) {
      if (bytes <= bytesMax) break;
      entries.delete(oldest);
      bytes -= dropped.bytes;
      spares.retire(dropped.own);
    }
  };
  const outputs = (bars: Bars, { indicator, parameters, source = 'close' }: IndicatorRequest) => {
    const sourceColumn = typeof source === 'string' ? bars[source] : source;
    let key = indicator.name;
    for (const input of indicator.inputs)
      key += ` ${ids.idOf(input === 'source' ? sourceColumn : bars[input])}`;
    key += JSON.stringify(parameters);
    const hit = entries.get(key);
    if (hit !== undefined) {
      entries.delete(key);
      entries.set(key, hit);
      return hit.outputs;
    }
    const entry = spares.compute(indicator, { ...bars, source: sourceColumn }, parameters);
    keep(key, entry);
    return entry.outputs;
  };

  return {
    get bytes() {
      return bytes;
    },
    outputs,
    beginRun: () => spares.release(),
    indicator(bars, name, period, source = 'close') {
      const indicator = indicatorNamed(name);
      const parameters = parametersOf(indicator, period);
      const [first] = indicator.outputs;
      return present(outputs(bars, { indicator, parameters, source })[first], first);
    },
  };
}

function createColumnIds() {
  const ids = new WeakMap<object, number>();
  let next = 0;
  return {
    idOf(column: object): number {
      const known = ids.get(column);
      if (known !== undefined) return known;
      ids.set(column, next);
      return next++;
    },
    /** With other content a column is another source. */
    forget(column: object): void {
      ids.delete(column);
    },
  };
}

/** Columns that the cache let go of, first until the run ends, then free to be written to. */
function createSpareColumns(forget: (column: Float64Array) => void) {
  let retired: Float64Array[] = [];
  const spares: Float64Array[] = [];
  return {
    retire(columns: readonly Float64Array[]): void {
      if (retired.length < SPARES_MAX) retired.push(...columns);
    },
    release(): void {
      for (const column of retired.slice(0, SPARES_MAX - spares.length)) {
        forget(column);
        spares.push(column);
      }
      retired = [];
    },
    compute(indicator: Indicator, columns: IndicatorColumns, parameters: ParameterValues): Entry {
      const index = spares.findIndex((spare) => spare.length === columns.source.length);
      const [spare] = index === -1 ? [] : spares.splice(index, 1);
      const outputs = indicator.compute(spare === undefined ? columns : { ...columns, spare }, parameters);
      const computed = [...new Set(Object.values(outputs))];
      if (spare !== undefined && !computed.includes(spare)) spares.push(spare);
      const bytes = computed.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const inputs: unknown[] = Object.values(columns);
      return { outputs, bytes, own: computed.filter((column) => !inputs.includes(column)) };
    },
  };
}

/** In a sweep every lookup comes here: a schema is asked only where there are defaults to fill in. */
function parametersOf(indicator: Indicator, period: number): ParameterValues {
  const names = Object.keys(indicator.parameters.shape);
  return names.length === 1 && names[0] === 'period' ? { period } : parseParameters(indicator, { period });
}
