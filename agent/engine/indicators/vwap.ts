import { z } from 'zod';
import { barCount, defineIndicator } from './indicator';
import { rollingRatio } from './rolling-ratio';
import { typicalPrice } from './typical-price';

const DAY_US = 86_400_000_000n;

/** Σ price · volume / Σ volume; NaN where nothing was traded. */
export const vwapIndicator = defineIndicator({
  name: 'vwap',
  description: 'Volume-weighted average price of the last bars, of the day, or from the first bar on',
  category: 'volume',
  reference:
    'S. A. Berkowitz, D. E. Logue and E. A. Noser, "The Total Cost of Transactions on the NYSE", Journal of Finance 43 (1988)',
  inputs: ['time', 'high', 'low', 'close', 'volume'],
  parameters: z.strictObject({
    period: barCount(20, 'bars in the average; 0 from the first bar on', 0),
    anchor: z.enum(['period', 'day']).default('period').describe('day starts anew at 00:00 UTC'),
    use_typical_price: z.boolean().default(true).describe('(high + low + close) / 3 instead of the close'),
  }),
  outputs: ['vwap'],
  warmupBars: ({ period, anchor }) => (anchor === 'day' ? 0 : Math.max(0, period - 1)),
  compute(columns, { period, anchor, use_typical_price }) {
    const { time, close, volume } = columns;
    const price = use_typical_price ? typicalPrice(columns) : close;
    if (anchor === 'day') return { vwap: cumulative(price, volume, (bar) => (time[bar] as bigint) / DAY_US) };
    if (period === 0) return { vwap: cumulative(price, volume) };
    const paid = new Float64Array(price.length);
    for (let i = 0; i < paid.length; i++) paid[i] = (price[i] as number) * (volume[i] as number);
    return { vwap: rollingRatio(paid, volume, { period, undefinedAs: NaN }) };
  },
});

/** From the first bar on, or from the first bar of each day. */
function cumulative(
  price: Float64Array,
  volume: Float64Array,
  dayOf: (bar: number) => bigint = () => 0n,
): Float64Array {
  const vwap = new Float64Array(price.length);
  let day: bigint | undefined;
  let paid = 0;
  let traded = 0;
  for (let i = 0; i < vwap.length; i++) {
    const now = dayOf(i);
    if (now !== day) {
      day = now;
      paid = 0;
      traded = 0;
    }
    paid += (price[i] as number) * (volume[i] as number);
    traded += volume[i] as number;
    vwap[i] = traded === 0 ? NaN : paid / traded;
  }
  return vwap;
}
