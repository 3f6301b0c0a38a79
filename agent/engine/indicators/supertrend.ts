import { z } from 'zod';
import { atr } from './atr';
import { barCount, defineIndicator, multiple } from './indicator';

/**
 * Bands at the median price ± `multiplier` average true ranges, of which the upper only falls and the
 * lower only rises until a close goes beyond: the lower one is the trend line while prices rise
 * (direction 1), the upper one while they fall (direction −1). It begins falling.
 */
export const supertrendIndicator = defineIndicator({
  name: 'supertrend',
  description: 'SuperTrend: a trailing line, and 1 for a rising or −1 for a falling trend',
  category: 'trend',
  reference: 'O. Seban, SuperTrend, as TradingView defines ta.supertrend (with direction 1 up); TA-Lib ATR',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({
    period: barCount(10, 'bars of the average true range'),
    multiplier: multiple(3, 'average true ranges to either side'),
  }),
  outputs: ['trend', 'direction'],
  warmupBars: ({ period }) => period,
  compute(columns, { period, multiplier }) {
    const { high, low, close } = columns;
    const trend = atr(columns, period);
    const { length } = trend;
    const direction = new Float64Array(length).fill(NaN, 0, period);
    let upper = Infinity;
    let lower = -Infinity;
    let rising = false;
    for (let i = period; i < length; i++) {
      const median = ((high[i] as number) + (low[i] as number)) / 2;
      const distance = multiplier * (trend[i] as number);
      const before = close[i - 1] as number;
      if (median + distance < upper || before > upper) upper = median + distance;
      if (median - distance > lower || before < lower) lower = median - distance;
      const price = close[i] as number;
      rising = rising ? price >= lower : price > upper;
      trend[i] = rising ? lower : upper;
      direction[i] = rising ? 1 : -1;
    }
    return { trend, direction };
  },
});
