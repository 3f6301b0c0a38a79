import { assert, present } from '#agent/kit/assert';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import type { Indicator, IndicatorColumns, IndicatorOutputs } from './indicator';

/**
 * Computes each run of bars whose inputs are all finite by itself. An indicator on top of another, whose
 * column begins with a warm-up, is the common case; a NaN in the middle would otherwise poison every
 * recursion after it for ever and every comparison quietly.
 */
export function acrossGaps(
  indicator: Pick<Indicator, 'name' | 'inputs' | 'outputs' | 'compute'>,
  columns: IndicatorColumns,
  parameters: ParameterValues,
): IndicatorOutputs {
  const inputs = valueInputs(indicator, columns);
  const { length } = present(inputs[0], `an input of ${indicator.name}`);
  for (const input of inputs) assert(input.length === length, 'columns of an indicator are equally long');
  if (inputs.every((input) => isGapless(input, columns))) return indicator.compute(columns, parameters);

  const results = Object.fromEntries(
    indicator.outputs.map((name) => [name, new Float64Array(length).fill(NaN)] as const),
  );
  for (const [start, end] of finiteRuns(inputs, length)) {
    const run = indicator.compute(sliceColumns(columns, start, end), parameters);
    for (const name of indicator.outputs) results[name]?.set(present(run[name], name), start);
  }
  return results;
}

function valueInputs({ inputs }: Pick<Indicator, 'inputs'>, columns: IndicatorColumns): Float64Array[] {
  return inputs.flatMap((input) => (input === 'time' ? [] : [columns[input]]));
}

// Columns of bars are never written to, and are asked about for every indicator of a sweep.
const gaplessBars = new WeakMap<Float64Array, boolean>();

function isGapless(input: Float64Array, { open, high, low, close, volume }: IndicatorColumns): boolean {
  if (![open, high, low, close, volume].includes(input)) return isFinite(input);
  const known = gaplessBars.get(input);
  if (known !== undefined) return known;
  const gapless = isFinite(input);
  gaplessBars.set(input, gapless);
  return gapless;
}

/** x − x is 0 for a finite x and NaN otherwise, and so is it of a sum; four at a time cost one wait. */
function isFinite(column: Float64Array): boolean {
  const { length } = column;
  let nothing = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const left = (column[i] as number) + (column[i + 1] as number);
    const right = (column[i + 2] as number) + (column[i + 3] as number);
    const total = left + right;
    nothing += total - total;
  }
  for (; i < length; i++) nothing += (column[i] as number) - (column[i] as number);
  return nothing === 0;
}

function* finiteRuns(inputs: readonly Float64Array[], length: number): Generator<[number, number]> {
  const isGap = (bar: number): boolean => inputs.some((input) => !Number.isFinite(input[bar]));
  let start = 0;
  while (start < length) {
    while (start < length && isGap(start)) start++;
    let end = start;
    while (end < length && !isGap(end)) end++;
    if (end > start) yield [start, end];
    start = end;
  }
}

function sliceColumns(columns: IndicatorColumns, start: number, end: number): IndicatorColumns {
  return {
    time: columns.time.subarray(start, end),
    open: columns.open.subarray(start, end),
    high: columns.high.subarray(start, end),
    low: columns.low.subarray(start, end),
    close: columns.close.subarray(start, end),
    volume: columns.volume.subarray(start, end),
    source: columns.source.subarray(start, end),
  };
}
