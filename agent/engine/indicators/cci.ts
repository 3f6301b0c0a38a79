import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { typicalPrice } from './typical-price';

/**
 * (typical price − its average) / (0.015 · mean absolute deviation); 0 where the typical price has not
 * moved. Takes `period` steps a bar, as there is no running form of the mean absolute deviation.
 */
export const cciIndicator = defineIndicator({
  name: 'cci',
  description: 'Commodity channel index',
  category: 'momentum',
  reference: 'TA-Lib CCI',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({ period: barCount(20, 'bars in the average', 2) }),
  outputs: ['cci'],
  warmupBars: ({ period }) => period - 1,
  compute(columns, { period }) {
    const price = typicalPrice(columns);
    const { length } = price;
    const cci = new Float64Array(length).fill(NaN, 0, period - 1);
    // Flat prices would leave the rounding error of the average, divided by itself.
    let unmoved = 0;
    let previous = NaN;
    for (let i = 0; i < length; i++) {
      const value = price[i] as number;
      unmoved = value === previous ? unmoved + 1 : 1;
      previous = value;
      if (i < period - 1) continue;
      const first = i - period + 1;
      const average = sumOf(price, first, i) / period;
      const distance = value - average;
      const deviation = unmoved >= period ? 0 : sumOfDeviations(price, first, { last: i, average });
      cci[i] = distance === 0 || deviation === 0 ? 0 : (distance * period) / (0.015 * deviation);
    }
    return { cci };
  },
});

/** Afresh for each bar: of a running sum the rounding error could be as large as a small deviation. */
function sumOf(price: Float64Array, first: number, last: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = first;
  for (; i + 3 <= last; i += 4) {
    a += price[i] as number;
    b += price[i + 1] as number;
    c += price[i + 2] as number;
    d += price[i + 3] as number;
  }
  for (; i <= last; i++) a += price[i] as number;
  return a + b + (c + d);
}

/** Four sums at a time: one alone would wait for each addition to end. */
function sumOfDeviations(
  price: Float64Array,
  first: number,
  { last, average }: { last: number; average: number },
): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = first;
  for (; i + 3 <= last; i += 4) {
    a += Math.abs((price[i] as number) - average);
    b += Math.abs((price[i + 1] as number) - average);
    c += Math.abs((price[i + 2] as number) - average);
    d += Math.abs((price[i + 3] as number) - average);
  }
  for (; i <= last; i++) a += Math.abs((price[i] as number) - average);
  return a + b + (c + d);
}
