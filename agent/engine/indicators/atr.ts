import { z } from 'zod';
import type { BarColumns } from '#agent/engine/bars';
import { barCount, defineIndicator } from './indicator';

export const atrIndicator = defineIndicator({
  name: 'atr',
  description: 'Average true range',
  category: 'volatility',
  reference: 'TA-Lib ATR',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({ period: barCount(14, 'bars of Wilder’s average') }),
  outputs: ['atr'],
  warmupBars: ({ period }) => period,
  compute: (columns, { period }) => ({ atr: atr(columns, period) }),
});

/**
 * Wilder's average of the true range max(high, close₋₁) − min(low, close₋₁), started from the simple
 * average of the first `period` ranges (TA-Lib ATR). NaN for the first `period` bars.
 */
export function atr(
  { high, low, close }: Pick<BarColumns, 'high' | 'low' | 'close'>,
  period: number,
): Float64Array {
  const { length } = close;
  const result = new Float64Array(length).fill(NaN, 0, period);
  if (length <= period) return result;
  let previous = close[0] as number;
  let sum = 0;
  for (let i = 1; i <= period; i++) {
    sum += trueRange(high[i] as number, low[i] as number, previous);
    previous = close[i] as number;
  }
  let average = sum / period;
  result[period] = average;
  const weight = 1 / period;
  for (let i = period + 1; i < length; i++) {
    average += (trueRange(high[i] as number, low[i] as number, previous) - average) * weight;
    previous = close[i] as number;
    result[i] = average;
  }
  return result;
}

export function trueRange(high: number, low: number, previousClose: number): number {
  return (previousClose > high ? previousClose : high) - (previousClose < low ? previousClose : low);
}
