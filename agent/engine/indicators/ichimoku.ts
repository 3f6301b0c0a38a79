import { z } from 'zod';
import type { BarColumns } from '#agent/engine/bars';
import { rollingExtremes } from './extremes';
import { barCount, defineIndicator } from './indicator';

/**
 * Tenkan and kijun are the middles of the range of their last bars. The senkou spans are drawn
 * `displacement` bars ahead of what they are made of: their value here is the one drawn at this bar,
 * made of bars up to `displacement` ago. The chikou span is the close drawn `displacement` bars back,
 * which at the bar where it is drawn lies in the future: here it is what a reader of the chart can know
 * now, how far today's close lies above (or below) the close of `displacement` bars ago.
 */
export const ichimokuIndicator = defineIndicator({
  name: 'ichimoku',
  description: 'Ichimoku: lines and cloud as drawn at each bar, and the close against that of some bars ago',
  category: 'trend',
  reference: 'G. Hosoda, "Ichimoku Kinko Hyo" (1969), as in N. Elliott, "Ichimoku Charts" (2007)',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({
    tenkan_period: barCount(9, 'bars of the conversion line'),
    kijun_period: barCount(26, 'bars of the base line'),
    senkou_b_period: barCount(52, 'bars of the slow edge of the cloud'),
    displacement: barCount(26, 'bars by which cloud and chikou are shifted'),
  }),
  outputs: ['tenkan', 'kijun', 'senkou_a', 'senkou_b', 'chikou'],
  warmupBars: ({ tenkan_period, kijun_period, senkou_b_period, displacement }) =>
    Math.max(tenkan_period, kijun_period, senkou_b_period) - 1 + displacement,
  compute({ high, low, close }, { tenkan_period, kijun_period, senkou_b_period, displacement }) {
    const { length } = close;
    const senkou_a = new Float64Array(length);
    // Until it holds the span, the lowest lows of all three middles pass through the column.
    const middle = (period: number): Float64Array => middleOfRange({ high, low }, period, senkou_a);
    const tenkan = middle(tenkan_period);
    const kijun = middle(kijun_period);
    const senkou_b = middle(senkou_b_period).copyWithin(displacement, 0).fill(NaN, 0, displacement);
    const chikou = new Float64Array(length).fill(NaN, 0, displacement);
    senkou_a.fill(NaN, 0, displacement);
    for (let i = displacement; i < length; i++) {
      const made = i - displacement;
      senkou_a[i] = ((tenkan[made] as number) + (kijun[made] as number)) / 2;
      chikou[i] = (close[i] as number) - (close[made] as number);
    }
    return { tenkan, kijun, senkou_a, senkou_b, chikou };
  },
});

function middleOfRange(
  { high, low }: Pick<BarColumns, 'high' | 'low'>,
  period: number,
  lowest: Float64Array,
): Float64Array {
  const { highest } = rollingExtremes({ high, low }, period, {
    highest: new Float64Array(high.length),
    lowest,
  });
  for (let i = 0; i < highest.length; i++) highest[i] = ((highest[i] as number) + (lowest[i] as number)) / 2;
  return highest;
}
