import type { Endpoints } from '#agent/contract/endpoints';
import type { CalculatedIndicator } from '#agent/contract/indicator-endpoints';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { INDICATOR_CATEGORIES, type Indicator } from '#agent/engine/indicators/indicator';
import { describeIndicator } from '#agent/engine/indicators/describe';
import { INDICATORS, indicatorNamed } from '#agent/engine/indicators/registry';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { present } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { ControlContext } from '#control/http/context';
import type { Handlers, Input } from '#control/http/route';
import { timeRange } from '#control/http/time-range';
import { readBars } from '#control/store/bars';
import { instantOfMicros } from '#control/store/instant';
import type { StoredColumns } from '#control/store/packed-bars';

type IndicatorHandlers = Pick<Handlers, 'listIndicators' | 'listIndicatorCategories' | 'calculateIndicator'>;
type Calculation = Input<Endpoints['calculateIndicator']>['body'];

/**
 * Bars before the end that an indicator is computed on. Averages have long settled after as many, and
 * the slowest one still takes only a fraction of a second of this process.
 */
const BARS_MAX = 50_000;

export function indicatorHandlers({ database }: ControlContext): IndicatorHandlers {
  return {
    listIndicators({ query: { category } }) {
      checkCategory(category);
      const data = INDICATORS.filter((indicator) => (category ?? indicator.category) === indicator.category);
      return Promise.resolve(listReply(data.map(describeIndicator)));
    },

    listIndicatorCategories() {
      const data = INDICATOR_CATEGORIES.map((category) => ({
        category,
        indicators: INDICATORS.filter((indicator) => indicator.category === category).map(({ name }) => name),
      }));
      return Promise.resolve(listReply(data));
    },

    async calculateIndicator({ body }) {
      const indicator = indicatorNamed(body.indicator);
      const parameters = parseParameters(indicator, body.parameters);
      const { symbol, timeframe, start, end } = body;
      const range = timeRange(start, end);
      const query = { symbol, timeframe, endUs: range.endUs, limit: BARS_MAX };
      const newestFirst = await readBars(database, { ...query, order: 'desc' });
      const bars = createBars(symbol, timeframe, oldestFirst(newestFirst));
      const outputs = indicator.compute({ ...bars, source: bars[body.source] }, parameters);
      const values = indicator.outputs.map((name) => [name, present(outputs[name], name)] as const);
      const data = calculated({ body, indicator, bars, values, startUs: range.startUs });
      return { success: true, data: { ...data, parameters: definedOf(parameters) } };
    },
  };
}

function oldestFirst(columns: StoredColumns): StoredColumns {
  const { time, open, high, low, close, volume } = columns;
  for (const column of [time, open, high, low, close, volume]) column.reverse();
  return columns;
}

interface Computed {
  body: Calculation;
  indicator: Indicator;
  bars: Bars;
  values: ReadonlyArray<readonly [name: string, column: Float64Array]>;
  startUs: number | null;
}

/** The last values of the range; what JSON cannot say is null. */
function calculated({
  body,
  indicator,
  bars,
  values,
  startUs,
}: Computed): Omit<CalculatedIndicator, 'parameters'> {
  const { symbol, timeframe, source, limit } = body;
  const before = bars.time.findIndex((time) => startUs === null || time >= BigInt(startUs));
  const first = before < 0 ? bars.length : before;
  const shown = Math.max(first, bars.length - limit);
  const numbers = (column: Float64Array): Array<number | null> =>
    Array.from(column.subarray(shown), (value) => (Number.isFinite(value) ? value : null));
  return {
    symbol,
    timeframe,
    indicator: indicator.name,
    source,
    time: Array.from(bars.time.subarray(shown), (time) => instantOfMicros(time)),
    outputs: Object.fromEntries(values.map(([name, column]) => [name, numbers(column)])),
    bars_in_range: bars.length - first,
  };
}

function checkCategory(category: string | undefined): void {
  if (category === undefined || INDICATOR_CATEGORIES.some((known) => known === category)) return;
  const suggestion = nearest(category, INDICATOR_CATEGORIES);
  const known = `categories are ${INDICATOR_CATEGORIES.join(', ')}`;
  throw new Fault('invalid', `Cannot list indicators of '${category}': there is no such category`, {
    hint: suggestion === undefined ? known : `did you mean '${suggestion}'? ${known}`,
  });
}

function definedOf<Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function listReply<Item>(data: Item[]) {
  return { success: true as const, data, total_count: data.length, active_count: data.length };
}
