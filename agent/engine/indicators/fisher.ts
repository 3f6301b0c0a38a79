import { z } from 'zod';
import { logarithm } from '#agent/engine/power';
import { rollingExtremes } from './extremes';
import { barCount, defineIndicator } from './indicator';

/**
 * With p the median price and r its place in the range of the last `period` median prices, −½ to ½:
 * v = 0.66 r + 0.67 v₋₁, cut at ±0.999 beyond ±0.99, and fisher = w · ln((1 + v) / (1 − v)) + (1 − w) · fisher₋₁
 * with w = 2 / (smoothing + 1): a smoothing of 3 gives Ehlers' ½ and ½. The signal is the fisher of one
 * bar ago. Without a range r is 0.
 */
export const fisherIndicator = defineIndicator({
  name: 'fisher',
  description: 'Fisher transform of the place of the price in its range',
  category: 'momentum',
  reference: 'J. F. Ehlers, "Using the Fisher Transform", Stocks & Commodities 20:11 (2002)',
  inputs: ['high', 'low'],
  parameters: z.strictObject({
    period: barCount(10, 'bars in the range'),
    smoothing: barCount(3, 'bars in the exponential average of the transform'),
  }),
  outputs: ['fisher', 'signal'],
  warmupBars: ({ period }) => period,
  compute({ high, low }, { period, smoothing }) {
    const price = medianPrice(high, low);
    const { highest: fisher, lowest: signal } = rollingExtremes({ high: price, low: price }, period);
    const weight = 2 / (smoothing + 1);
    let value = 0;
    let transform = 0;
    let previous = NaN;
    for (let i = period - 1; i < price.length; i++) {
      const bottom = signal[i] as number;
      const range = (fisher[i] as number) - bottom;
      const place = range === 0 ? 0 : ((price[i] as number) - bottom) / range - 0.5;
      value = 0.66 * place + 0.67 * value;
      if (value > 0.99) value = 0.999;
      else if (value < -0.99) value = -0.999;
      transform += weight * (logarithmOfRatio(value) - transform);
      fisher[i] = transform;
      signal[i] = previous;
      previous = transform;
    }
    return { fisher, signal };
  },
});

function medianPrice(high: Float64Array, low: Float64Array): Float64Array {
  const price = new Float64Array(high.length);
  for (let i = 0; i < price.length; i++) price[i] = ((high[i] as number) + (low[i] as number)) / 2;
  return price;
}

/**
 * ln((1 + v) / (1 − v)) = 2 artanh v for |v| ≤ 0.999, from a table and
 * artanh v = artanh c + artanh((v − c) / (1 − v · c)), several times as fast as a logarithm; error below
 * 1e-13. Like that, it is made of operations that are equal on every host.
 */
function logarithmOfRatio(value: number): number {
  if (value === 0.999) return SATURATED;
  if (value === -0.999) return -SATURATED;
  const place = Math.trunc(value * STEPS + STEPS + 0.5);
  const centre = place / STEPS - 1;
  const rest = (value - centre) / (1 - value * centre);
  // |value| ≤ 0.99 here, so that |rest| ≤ 0.05 and the term of rest^13 is below 1e-18.
  const square = rest * rest;
  const series =
    square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9 + square * (1 / 11)))));
  return (TABLE[place] as number) + 2 * (rest + rest * series);
}

const STEPS = 512;
const SATURATED = logarithm(1.999 / 0.001);
/** 2 artanh(place / STEPS − 1) from −1 to 1, both exclusive. */
const TABLE = Float64Array.from({ length: 2 * STEPS + 1 }, (_, index) =>
  index % (2 * STEPS) === 0 ? NaN : logarithm(index / (2 * STEPS - index)),
);
