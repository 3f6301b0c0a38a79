/** What TA-Lib does not define, against its published definition written out bar by bar. */
import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { randomBars } from '#test/support/random-bars';
import { atr } from './atr';
import { ema } from './ema';
import type { IndicatorOutputs } from './indicator';
import { indicatorNamed } from './registry';

const BARS = randomBars(seededRng(21), { length: 600, timeframe: '1h' });
const { open, high, low, close, volume } = BARS;

function compute(name: string, parameters: object, bars: Bars = BARS): IndicatorOutputs {
  const indicator = indicatorNamed(name);
  return indicator.compute({ ...bars, source: bars.close }, parseParameters(indicator, parameters));
}

type Window = (column: Float64Array) => number[];
type Definition = (bar: number, window: Window) => number;

/** Each bar from its own last `period` bars; NaN before there are as many. */
function eachBar(period: number, define: Definition): number[] {
  return Array.from({ length: BARS.length }, (_, bar) => {
    const from = bar + 1 - period;
    return from < 0 ? NaN : define(bar, (column) => [...column.subarray(from, bar + 1)]);
  });
}

const at = (column: ArrayLike<number>, bar: number): number => column[bar] ?? NaN;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
const max = (values: readonly number[]): number => Math.max(...values);
const min = (values: readonly number[]): number => Math.min(...values);

function expectColumn(ours: Float64Array | undefined, expected: readonly number[]): void {
  expect(ours).toHaveLength(expected.length);
  const wrong = expected.flatMap((value, bar) => {
    const mine = at(ours ?? [], bar);
    const same = Number.isNaN(value)
      ? Number.isNaN(mine)
      : Math.abs(mine - value) <= 1e-10 * Math.max(1, Math.abs(value));
    return same ? [] : [{ bar, mine, value }];
  });
  expect(wrong.slice(0, 3)).toEqual([]);
}

describe.each([5, 20, 60])('over %p bars', (period) => {
  test('bollingerbandwidth is four deviations relative to the average', () => {
    const expected = eachBar(period, (_, window) => (4 * deviation(window(close))) / mean(window(close)));
    expectColumn(compute('bollingerbandwidth', { period })['bollingerbandwidth'], expected);
  });

  test('cmf is money flow volume relative to volume', () => {
    const flow = close.map(
      (price, i) => ((2 * price - at(low, i) - at(high, i)) / (at(high, i) - at(low, i))) * at(volume, i),
    );
    const expected = eachBar(period, (_, window) => sum(window(flow)) / sum(window(volume)));
    expectColumn(compute('cmf', { period })['cmf'], expected);
  });

  test('distancefromma is the distance from the average in percent', () => {
    const expected = eachBar(period, (bar, window) => 100 * (at(close, bar) / mean(window(close)) - 1));
    expectColumn(compute('distancefromma', { period })['distancefromma'], expected);
    const averages = ema(close, period);
    const exponential = [...close].map((price, bar) => 100 * (price / at(averages, bar) - 1));
    expectColumn(compute('distancefromma', { period, ma_type: 'ema' })['distancefromma'], exponential);
  });

  test('donchian is the range of the last bars', () => {
    const channel = compute('donchian', { period });
    expectColumn(
      channel['upper'],
      eachBar(period, (_, window) => max(window(high))),
    );
    expectColumn(
      channel['lower'],
      eachBar(period, (_, window) => min(window(low))),
    );
    expectColumn(
      channel['middle'],
      eachBar(period, (_, window) => (max(window(high)) + min(window(low))) / 2),
    );
  });

  test('volumeratio is the volume relative to its average', () => {
    const expected = eachBar(period, (bar, window) => at(volume, bar) / mean(window(volume)));
    expectColumn(compute('volumeratio', { period })['volumeratio'], expected);
  });

  test('vwap weighs the typical price, or the close, by volume', () => {
    const typical = close.map((price, i) => (price + at(high, i) + at(low, i)) / 3);
    for (const [price, use_typical_price] of [
      [typical, true],
      [close, false],
    ] as const) {
      const paid = price.map((value, i) => value * at(volume, i));
      const expected = eachBar(period, (_, window) => sum(window(paid)) / sum(window(volume)));
      expectColumn(compute('vwap', { period, use_typical_price })['vwap'], expected);
    }
  });

  test('rvi is body relative to range, both weighted 1 2 2 1', () => {
    const weighted = (bar: number, of: (i: number) => number): number =>
      of(bar) + 2 * of(bar - 1) + 2 * of(bar - 2) + of(bar - 3);
    const body = close.map((_, bar) => weighted(bar, (i) => at(close, i) - at(open, i)));
    const range = close.map((_, bar) => weighted(bar, (i) => at(high, i) - at(low, i)));
    const rvi = eachBar(period, (_, window) => sum(window(body)) / sum(window(range)));
    const outputs = compute('rvi', { period });
    expectColumn(outputs['rvi'], rvi);
    expectColumn(
      outputs['signal'],
      rvi.map((_, bar) => weighted(bar, (i) => at(rvi, i)) / 6),
    );
  });

  test('fisher is Ehlers’ program', () => {
    const price = close.map((_, i) => (at(high, i) + at(low, i)) / 2);
    let value = 0;
    let fish = 0;
    const expected = eachBar(period, (bar, window) => {
      const [top, bottom] = [max(window(price)), min(window(price))];
      value = 0.33 * 2 * ((at(price, bar) - bottom) / (top - bottom) - 0.5) + 0.67 * value;
      if (value > 0.99) value = 0.999;
      if (value < -0.99) value = -0.999;
      fish = 0.5 * Math.log((1 + value) / (1 - value)) + 0.5 * fish;
      return fish;
    });
    const outputs = compute('fisher', { period });
    expectColumn(outputs['fisher'], expected);
    expectColumn(outputs['signal'], [NaN, ...expected.slice(0, -1)]);
  });

  test('keltner is an average and true ranges to either side', () => {
    const [average, range] = [ema(close, period), atr(BARS, 10)];
    const outputs = compute('keltner', { period, multiplier: 1.5 });
    const band = (side: number): number[] =>
      [...average].map((value, i) => value + side * 1.5 * at(range, i));
    expectColumn(outputs['upper'], band(1));
    expectColumn(outputs['middle'], [...average]);
    expectColumn(outputs['lower'], band(-1));
  });

  test('squeezeintensity is the smaller gap relative to half the channel', () => {
    const parameters = { bb_period: period, kc_period: period, atr_period: 10, kc_multiplier: 2.5 };
    const bands = compute('bollingerbands', { period });
    const channel = compute('keltner', { period, multiplier: 2.5 });
    const expected = eachBar(1, (bar) => {
      const [top, bottom] = [at(channel['upper'] ?? [], bar), at(channel['lower'] ?? [], bar)];
      const gaps = [top - at(bands['upper'] ?? [], bar), at(bands['lower'] ?? [], bar) - bottom];
      return Math.max(0, Math.min(...gaps)) / ((top - bottom) / 2);
    });
    const ours = compute('squeezeintensity', parameters)['squeezeintensity'];
    expectColumn(ours, expected);
    expect(ours?.some((value) => value > 0.05)).toBeTrue();
  });

  test('supertrend follows the bands that only tighten', () => {
    const range = atr(BARS, period);
    const bands = { upper: NaN, lower: NaN, direction: -1 };
    const expected = eachBar(1, (bar) => {
      const [middle, distance] = [(at(high, bar) + at(low, bar)) / 2, 2 * at(range, bar)];
      if (Number.isNaN(distance)) return NaN;
      const { upper, lower, direction } = bands;
      const before = at(close, bar - 1);
      bands.upper =
        middle + distance < upper || before > upper || Number.isNaN(upper) ? middle + distance : upper;
      bands.lower =
        middle - distance > lower || before < lower || Number.isNaN(lower) ? middle - distance : lower;
      if (direction === -1 && at(close, bar) > bands.upper) bands.direction = 1;
      if (direction === 1 && at(close, bar) < bands.lower) bands.direction = -1;
      return bands.direction === 1 ? bands.lower : -bands.upper;
    });
    const { trend, direction } = compute('supertrend', { period, multiplier: 2 });
    expectColumn(trend, expected.map(Math.abs));
    expectColumn(direction, expected.map(Math.sign));
  });
});

test('ichimoku shows at each bar what is drawn there, and the close against that of 26 bars ago', () => {
  const middle = (period: number): number[] =>
    eachBar(period, (_, window) => (max(window(high)) + min(window(low))) / 2);
  const [tenkan, kijun, slow] = [middle(9), middle(26), middle(52)];
  const drawn = (define: (bar: number) => number): number[] => eachBar(1, (bar) => define(bar - 26));
  const outputs = compute('ichimoku', {});
  expectColumn(outputs['tenkan'], tenkan);
  expectColumn(outputs['kijun'], kijun);
  expectColumn(
    outputs['senkou_a'],
    drawn((bar) => (at(tenkan, bar) + at(kijun, bar)) / 2),
  );
  expectColumn(
    outputs['senkou_b'],
    drawn((bar) => at(slow, bar)),
  );
  expectColumn(
    outputs['chikou'],
    eachBar(27, (bar, window) => at(close, bar) - (window(close)[0] ?? NaN)),
  );
});

test('vwap of the day starts anew at midnight UTC, and with a period of 0 never', () => {
  const [day, all] = [compute('vwap', { anchor: 'day' })['vwap'], compute('vwap', { period: 0 })['vwap']];
  const typical = (bar: number): number => (at(high, bar) + at(low, bar) + at(close, bar)) / 3;
  const average = (from: number, bar: number): number => {
    const bars = Array.from({ length: bar - from + 1 }, (_, i) => from + i);
    return sum(bars.map((i) => typical(i) * at(volume, i))) / sum(bars.map((i) => at(volume, i)));
  };
  expectColumn(
    day,
    eachBar(1, (bar) => average(bar - (bar % 24), bar)),
  );
  expectColumn(
    all,
    eachBar(1, (bar) => average(0, bar)),
  );
});

test('zigzag knows a swing from its confirmation on, and repaints none', () => {
  const prices = [100, 103, 99, 104, 110, 107, 104, 100, 101, 106, 120, 113];
  const column = Float64Array.from(prices);
  const time = BigInt64Array.from(prices, (_, i) => BigInt(i));
  const bars = createBars('Z', '1d', {
    time,
    open: column,
    high: column,
    low: column,
    close: column,
    volume: column,
  });
  const { pivot, direction, bars_since } = compute('zigzag', { threshold: 0.05 }, bars);
  const swings: Array<[number, number, number]> = [];
  for (const bar of prices.keys())
    swings.push([at(pivot ?? [], bar), at(direction ?? [], bar), at(bars_since ?? [], bar)]);
  expect(swings).toEqual([
    [NaN, NaN, NaN],
    [NaN, NaN, NaN],
    [NaN, NaN, NaN], // 4 % below 103 is no swing …
    [99, 1, 1], // … and 5 % above 99 makes that low one.
    [99, 1, 2],
    [99, 1, 3],
    [110, -1, 2],
    [110, -1, 3],
    [110, -1, 4],
    [100, 1, 2],
    [100, 1, 3],
    [120, -1, 1],
  ]);
});
