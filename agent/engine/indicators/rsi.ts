import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { checkPeriod, firstValueIndex } from './window';

export const rsiIndicator = defineIndicator({
  name: 'rsi',
  description: 'Relative strength index, 0 to 100',
  category: 'momentum',
  reference: 'TA-Lib RSI',
  inputs: ['source'],
  parameters: z.strictObject({ period: barCount(14, 'bars of Wilder’s averages') }),
  outputs: ['rsi'],
  warmupBars: ({ period }) => period,
  compute: ({ source }, { period }) => ({ rsi: rsi(source, period) }),
});

/** TA-Lib calls a sum of average gain and loss below this zero, and the index 0 then. */
const ZERO = 1e-14;

/**
 * Relative strength index, 0 to 100, with Wilder's smoothing (TA-Lib RSI): 100 · gain / (gain + loss)
 * of the averages, 0 where nothing moved. NaN for the first `period` values.
 */
export function rsi(source: Float64Array, period: number, out?: Float64Array): Float64Array {
  checkPeriod(period, 1);
  const { length } = source;
  const result = out ?? new Float64Array(length);
  const start = firstValueIndex(source);
  const first = start + period;
  result.fill(NaN, 0, Math.min(length, first));
  if (first >= length) return result;

  let gain = 0;
  let loss = 0;
  let previous = source[start] as number;
  for (let i = start + 1; i <= first; i++) {
    const value = source[i] as number;
    const change = value - previous;
    previous = value;
    if (change < 0) loss -= change;
    else gain += change;
  }
  gain /= period;
  loss /= period;
  result[first] = strength(gain, loss);
  for (let i = first + 1; i < length; i++) {
    const value = source[i] as number;
    const change = value - previous;
    previous = value;
    gain = (gain * (period - 1) + Math.max(change, 0)) / period;
    loss = (loss * (period - 1) + Math.max(-change, 0)) / period;
    result[i] = strength(gain, loss);
  }
  return result;
}

function strength(gain: number, loss: number): number {
  const sum = gain + loss;
  return sum < ZERO ? 0 : 100 * (gain / sum);
}
