/** What holds of every indicator, with its defaults and with odd parameters. */
import { describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { seededRng } from '#agent/kit/rng';
import { createBars, sliceIndices } from '#agent/engine/bars';
import type { BarColumns, Bars } from '#agent/engine/bars';
import { parseParameters } from '#agent/engine/strategy/parameters';
import type { ParameterValues } from '#agent/engine/strategy/strategy';
import { parameterSets } from '#test/support/parameter-sets';
import { randomBars } from '#test/support/random-bars';
import { defineIndicator } from './indicator';
import type { Indicator, IndicatorOutputs } from './indicator';
import { INDICATORS, indicatorNamed } from './registry';

const LENGTH = 150;
const BARS = randomBars(seededRng(11), { length: LENGTH, timeframe: '4h' });
const VALUE_COLUMNS = ['open', 'high', 'low', 'close', 'volume'] as const;

function compute(indicator: Indicator, bars: Bars, parameters: ParameterValues): IndicatorOutputs {
  return indicator.compute({ ...bars, source: bars.close }, parameters);
}

/** The first cutoff at which taking the future away changes the past, with the output and bar that change. */
function findLookAhead(indicator: Indicator, bars: Bars, parameters: ParameterValues): string | undefined {
  const full = compute(indicator, bars, parameters);
  for (let cutoff = 0; cutoff <= bars.length; cutoff++) {
    const past = compute(indicator, sliceIndices(bars, 0, cutoff), parameters);
    for (const [output, column] of Object.entries(past)) {
      if (column.length !== cutoff) return `${output} has ${column.length} of ${cutoff} bars`;
      const bar = column.findIndex((value, i) => !Object.is(value, full[output]?.[i]));
      if (bar >= 0) return `${output} of bar ${bar} changes when only ${cutoff} bars exist`;
    }
  }
  return undefined;
}

describe('a planted look-ahead is found', () => {
  const plant = (name: string, compute: (source: Float64Array) => Float64Array): Indicator =>
    defineIndicator({
      name,
      description: name,
      category: 'trend',
      reference: 'planted',
      inputs: ['source'],
      parameters: z.strictObject({}),
      outputs: ['planted'],
      warmupBars: () => 0,
      compute: ({ source }) => ({ planted: compute(source) }),
    });

  test.each([
    plant('the close of the next bar', (source) => source.map((_, i) => source[i + 1] ?? NaN)),
    plant('a chikou span as it is drawn', (source) => source.map((_, i) => source[i + 26] ?? NaN)),
    plant('the mean of all bars', (source) =>
      source.map((value) => value - source.reduce((a, b) => a + b, 0) / source.length),
    ),
    plant('a top that is known at once', (source) =>
      source.map((value, i) =>
        Number(value > (source[i - 1] ?? value) && value > (source[i + 1] ?? Infinity)),
      ),
    ),
  ])('$name', (indicator) => {
    expect(findLookAhead(indicator, BARS, {})).toContain('changes when only');
  });

  test('and an honest one is not', () => {
    const last = plant('the close of the last bar', (source) => source.map((_, i) => source[i - 1] ?? NaN));
    expect(findLookAhead(last, BARS, {})).toBeUndefined();
  });
});

function changed(bars: Bars, columns: Partial<BarColumns>): Bars {
  return createBars(bars.symbol, bars.timeframe, { ...bars, ...columns });
}

function columnsOf(bars: Bars, make: (column: Float64Array) => Float64Array): Bars {
  return changed(bars, Object.fromEntries(VALUE_COLUMNS.map((name) => [name, make(bars[name])])));
}

/** Bars without a value at bar 60, which is a gap for every indicator whatever it reads. */
function withGap(value: number): Bars {
  return columnsOf(BARS, (column) => column.with(GAP, value));
}
const GAP = 60;

describe.each(INDICATORS.map((indicator) => [indicator.name, indicator] as const))(
  '%s',
  (name, indicator) => {
    const sets = parameterSets(indicator, LENGTH);

    test('never changes its past when the future is taken away, at any bar', () => {
      for (const parameters of sets)
        expect([parameters, findLookAhead(indicator, BARS, parameters)]).toEqual([parameters, undefined]);
    });

    test('gives its outputs and no others, each as long as the bars, also of none', () => {
      for (const parameters of sets)
        for (const length of [0, 1, 2, 3, LENGTH]) {
          const outputs = compute(indicator, sliceIndices(BARS, 0, length), parameters);
          expect(Object.keys(outputs)).toEqual([...indicator.outputs]);
          for (const column of Object.values(outputs)) expect(column).toHaveLength(length);
        }
    });

    test('is NaN in warm-up and a number afterwards', () => {
      if (name === 'zigzag') return; // It waits for a swing.
      for (const parameters of sets) {
        const columns = Object.values(compute(indicator, BARS, parameters));
        const warmup = Math.min(LENGTH, indicator.warmupBars(parameters));
        const isReady = (bar: number): boolean => columns.every((column) => Number.isFinite(column[bar]));
        const ready = Array.from({ length: LENGTH }, (_, bar) => isReady(bar));
        expect([parameters, ready.indexOf(true)]).toEqual([parameters, warmup < LENGTH ? warmup : -1]);
        expect(ready.slice(warmup)).not.toContain(false);
        for (const column of columns)
          expect(column.includes(Infinity) || column.includes(-Infinity)).toBeFalse();
      }
    });

    test.each([NaN, Infinity, -Infinity])('starts afresh after a bar with %p', (value) => {
      for (const parameters of sets) {
        const whole = compute(indicator, withGap(value), parameters);
        const before = compute(indicator, sliceIndices(BARS, 0, GAP), parameters);
        const after = compute(indicator, sliceIndices(BARS, GAP + 1, LENGTH), parameters);
        for (const output of indicator.outputs) {
          const column = whole[output] ?? [];
          expect([...column]).toEqual([...(before[output] ?? []), NaN, ...(after[output] ?? [])]);
        }
      }
    });

    test('of nothing but NaN is NaN', () => {
      for (const parameters of sets)
        for (const column of Object.values(
          compute(
            indicator,
            columnsOf(BARS, (old) => old.map(() => NaN)),
            parameters,
          ),
        ))
          expect(column.every(Number.isNaN)).toBeTrue();
    });

    test('of flat prices is what it is where nothing moves, and never infinite', () => {
      const flat = changed(
        columnsOf(BARS, (column) => column.map(() => 0.1)),
        { volume: BARS.volume },
      );
      for (const parameters of sets)
        for (const [output, column] of Object.entries(compute(indicator, flat, parameters))) {
          const values = [...column].filter((value) => !Number.isNaN(value));
          expect(values.every(Number.isFinite)).toBeTrue();
          if (FLAT_IS[output] === undefined) continue;
          for (const value of values) expect([name, output, value]).toEqual([name, output, FLAT_IS[output]]);
        }
    });

    test('without volume is a number or NaN, and never infinite', () => {
      const volumes = [
        BARS.volume.map(() => 0),
        BARS.volume.map((volume, i) => (i % 50 < 25 ? 0 : volume / 1e7)),
      ];
      for (const volume of volumes)
        for (const parameters of sets)
          for (const column of Object.values(compute(indicator, changed(BARS, { volume }), parameters)))
            for (const value of column) expect(Math.abs(value)).not.toBe(Infinity);
    });

    test('leaves the bars as they are', () => {
      const copy = columnsOf(BARS, (column) => column.slice());
      for (const parameters of sets) compute(indicator, copy, parameters);
      for (const column of VALUE_COLUMNS) expect(copy[column]).toEqual(BARS[column]);
    });
  },
);

/** Where nothing moves these are exact: no rounding error of a running sum may look like a move. */
const FLAT_IS: Readonly<Record<string, number>> = {
  adx: 0,
  plus_di: 0,
  minus_di: 0,
  oscillator: 0,
  bollingerbandwidth: 0,
  cci: 0,
  cmf: 0,
  fisher: 0,
  momentum: 0,
  roc: 0,
  rsi: 0,
  rvi: 0,
  squeezeintensity: 0,
  k: 0,
  d: 0,
  williamsr: 0,
  mfi: 0,
  ad: 0,
};

describe('after 100,000 bars nothing has drifted', () => {
  const long = randomBars(seededRng(6), {
    length: 100_000,
    timeframe: '1m',
    volatility: 1e-4,
    startPrice: 1e5,
  });

  test.each(
    'aroon bollingerbands bollingerbandwidth cci cmf distancefromma donchian ichimoku mfi momentum roc rvi sma stochastic volumeratio vwap williamsr wma'
      .split(' ')
      .map((name) => [name] as const),
  )('%s is what its last window alone makes it', (name) => {
    const indicator = indicatorNamed(name);
    const parameters = parseParameters(indicator, {});
    const whole = compute(indicator, long, parameters);
    const window = indicator.warmupBars(parameters) + 1;
    for (let end = long.length; end > window; end -= 9973) {
      const alone = compute(indicator, sliceIndices(long, end - window, end), parameters);
      for (const output of indicator.outputs) {
        const expected = alone[output]?.at(-1) ?? NaN;
        const difference = Math.abs((whole[output]?.[end - 1] ?? NaN) - expected);
        expect(difference / Math.max(1, Math.abs(expected))).toBeLessThan(1e-9);
      }
    }
  });
});
