import { beforeAll, describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { createBars, sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { randomBars } from '#test/support/random-bars';
import { loadSp500 } from '#test/support/sp500';
import { loadTalib } from '#test/support/talib';
import type { Talib } from '#test/support/talib';
import { TALIB_PEERS, talibOutputs } from '#test/support/talib-peers';
import type { IndicatorOutputs } from './indicator';
import { indicatorNamed } from './registry';
import { sma } from './sma';
import { wma } from './wma';

const EQUAL = 1e-9;
let talib: Talib;
let sp500: Bars;

beforeAll(async () => {
  talib = await loadTalib();
  sp500 = await loadSp500();
});

/** Largest difference, relative above 1; Infinity when NaN stands in one column only. */
function difference(ours: Float64Array, theirs: Float64Array): number {
  let largest = Math.abs(ours.length - theirs.length);
  for (const [i, value] of ours.entries()) {
    const other = theirs[i] as number;
    if (Number.isNaN(value) && Number.isNaN(other)) continue;
    const relative = Math.abs(value - other) / Math.max(1, Math.abs(other));
    largest = Math.max(largest, Number.isNaN(relative) ? Infinity : relative);
  }
  return largest;
}

function compute(name: string, bars: Bars, parameters: object): IndicatorOutputs {
  const indicator = indicatorNamed(name);
  return indicator.compute({ ...bars, source: bars.close }, parseParameters(indicator, parameters));
}

/** The difference of each output, so that a failure says which. */
function differences(name: string, bars: Bars, parameters: object): Record<string, number> {
  const ours = compute(name, bars, parameters);
  const values = parseParameters(indicatorNamed(name), parameters);
  const theirs = talibOutputs(talib, name, { columns: bars, parameters: values });
  expect(Object.keys(theirs).toSorted()).toEqual(Object.keys(ours).toSorted());
  return Object.fromEntries(
    Object.entries(theirs).map(([output, column]) => [
      output,
      difference(ours[output] ?? new Float64Array(0), column),
    ]),
  );
}

function expectEqual(name: string, bars: Bars, parameters: object, tolerance = EQUAL): void {
  for (const [output, largest] of Object.entries(differences(name, bars, parameters)))
    expect([name, output, parameters, bars.length, largest < tolerance ? 'equal' : largest]).toEqual([
      name,
      output,
      parameters,
      bars.length,
      'equal',
    ]);
}

const PERIODS = [2, 3, 5, 14, 20, 50, 199, 1000].map((period) => ({ period }));
const PARAMETERS: Readonly<Record<string, object[]>> = {
  ad: [{}],
  // Of two values TA-Lib's deviation is mostly rounding error: a test of its own, below.
  bollingerbands: PERIODS.slice(1).map(({ period }) => ({ period, multiplier: period % 2 === 0 ? 2 : 1.5 })),
  macd: [
    {},
    // TA-Lib's signal of period 1 is shifted by a bar and begins with what lay in memory.
    { fast_period: 2, slow_period: 3, signal_period: 2 },
    { fast_period: 5, slow_period: 200, signal_period: 40 },
  ],
  obv: [{}],
  parabolicsar: [
    {},
    { initial_af: 0.01, step_af: 0.01, max_af: 0.1 },
    { initial_af: 1, step_af: 1, max_af: 1 },
  ],
  stochastic: [
    {},
    { k_period: 5, d_period: 3, smooth_k: 1 },
    { k_period: 1, d_period: 1, smooth_k: 1 },
    { k_period: 100, d_period: 20, smooth_k: 7 },
  ],
};
const parametersOf = (name: string): object[] => PARAMETERS[name] ?? PERIODS;

function flatBars(length: number, price: number, volume = 1000): Bars {
  const column = new Float64Array(length).fill(price);
  const time = BigInt64Array.from({ length }, (_, i) => BigInt(i) * 86_400_000_000n);
  const volumes = new Float64Array(length).fill(volume);
  return createBars('FLAT', '1d', {
    time,
    open: column,
    high: column,
    low: column,
    close: column,
    volume: volumes,
  });
}

function joined(...parts: Bars[]): Bars {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const column = (name: 'open' | 'high' | 'low' | 'close' | 'volume'): Float64Array =>
    Float64Array.from(parts.flatMap((part) => [...part[name]]));
  return createBars('JOINED', '1d', {
    time: BigInt64Array.from({ length }, (_, i) => BigInt(i)),
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    volume: column('volume'),
  });
}

describe.each(Object.keys(TALIB_PEERS).map((name) => [name] as const))('%s equals TA-Lib', (name) => {
  test.each(parametersOf(name))('on random bars, %p', (parameters) => {
    for (let seed = 1; seed <= 5; seed++) {
      const startPrice = 10 ** (seededRng(seed).next() * 6 - 2);
      expectEqual(name, randomBars(seededRng(seed), { length: 3000, startPrice }), parameters);
    }
  });

  test.each(parametersOf(name))('on the S&P 500, %p', (parameters) => {
    expectEqual(name, sp500, parameters);
  });

  test('on series of every length around the warm-up', () => {
    const bars = randomBars(seededRng(3), { length: 45 });
    const short = 'period' in indicatorNamed(name).parameters.shape ? { period: 5 } : {};
    for (let length = 1; length <= bars.length; length++)
      expectEqual(name, sliceIndices(bars, 0, length), short);
  });

  test('where nothing moves, first, last and always', () => {
    const flat = flatBars(400, 7);
    const moving = randomBars(seededRng(9), { length: 200, startPrice: 7 });
    // Of squares that have cancelled out TA-Lib's deviation keeps the root of a rounding error; ours is 0.
    const tolerance = name === 'bollingerbands' ? 1e-6 : EQUAL;
    for (const bars of [flat, joined(flat, moving), joined(moving, flatBars(400, 8))])
      for (const parameters of parametersOf(name).slice(0, 3)) expectEqual(name, bars, parameters, tolerance);
  });

  test('where nothing is traded', () => {
    const bars = randomBars(seededRng(4), { length: 300 });
    const volume = bars.volume.map((value, i) => (i > 100 && i < 200 ? 0 : value));
    for (const parameters of parametersOf(name).slice(0, 3))
      expectEqual(name, createBars('X', '1d', { ...bars, volume }), parameters);
  });
});

test('bollingerbands of two values are nearer to their definition than TA-Lib, whose squares cancel out', () => {
  const bars = randomBars(seededRng(4), { length: 3000, startPrice: 5000 });
  const ours = compute('bollingerbands', bars, { period: 2, multiplier: 2 })['upper'];
  const values = { period: 2, multiplier: 2 };
  const theirs = talibOutputs(talib, 'bollingerbands', { columns: bars, parameters: values })['upper'];
  const exact = bars.close.map((value, i) => {
    const before = bars.close[i - 1] ?? NaN;
    return (value + before) / 2 + Math.abs(value - before);
  });
  const error = (column: Float64Array | undefined): number => difference(column ?? exact.subarray(1), exact);
  expect(error(ours)).toBeLessThan(1e-10);
  expect(error(theirs)).toBeGreaterThan(error(ours));
  expect(error(theirs)).toBeLessThan(1e-6);
});

test('parabolicsar with accelerations of its own equals SAREXT', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { high, low, ...bars } = randomBars(seededRng(seed), { length: 2000 });
    const ours = compute(
      'parabolicsar',
      { high, low, ...bars },
      { initial_af: 0.01, step_af: 0.03, max_af: 0.25 },
    );
    const accelerations = [0.01, 0.03, 0.25];
    const options = [0, 0, ...accelerations, ...accelerations];
    const [theirs] = talib.call({ name: 'SAREXT', inputs: [high, low], options, outputs: 1 });
    // SAREXT marks short trades by a negative stop.
    expect(difference(ours['parabolicsar'] ?? high, theirs?.map(Math.abs) ?? low)).toBeLessThan(EQUAL);
  }
});

describe('over a million bars', () => {
  const length = 1_000_000;
  const rng = seededRng(3);
  let price = 1;
  const source = Float64Array.from(
    { length },
    (_, i) => 1000 + (i % 977) + ((price *= 1 + 0.04 * (rng.next() - 0.5)) % 1),
  );

  test.each(['ema', 'momentum', 'roc', 'rsi', 'sma'])('%s is still equal to TA-Lib', (name) => {
    const columns = {
      time: new BigInt64Array(length),
      open: source,
      high: source,
      low: source,
      close: source,
    };
    const bars = createBars('LONG', '1m', { ...columns, volume: source });
    for (const period of [20, 500]) expectEqual(name, bars, { period });
  });

  test.each([
    ['sma', sma],
    ['wma', wma],
  ] as const)('%s has not drifted from its definition', (name, average) => {
    for (const period of [20, 500]) {
      const ours = average(source, period);
      for (let i = period - 1; i < source.length; i += 9973) {
        const expected = averageByDefinition(name, source.subarray(i + 1 - period, i + 1));
        expect(Math.abs((ours[i] as number) - expected) / expected).toBeLessThan(1e-12);
      }
    }
  });

  test('wma is nearer to its definition than TA-Lib, whose running sums do drift', () => {
    const last = averageByDefinition('wma', source.subarray(-500));
    const ours = Math.abs((wma(source, 500).at(-1) as number) - last);
    const theirs = Math.abs((talib.run('WMA', source, 500).at(-1) as number) - last);
    expect(ours).toBeLessThan(1e-9);
    expect(theirs).toBeGreaterThan(ours);
  });
});

function averageByDefinition(name: 'sma' | 'wma', window: Float64Array): number {
  let sum = 0;
  let weights = 0;
  for (const [i, value] of window.entries()) {
    const weight = name === 'sma' ? 1 : i + 1;
    sum += value * weight;
    weights += weight;
  }
  return sum / weights;
}
