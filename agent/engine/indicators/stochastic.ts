import { z } from 'zod';
import { rollingExtremes } from './extremes';
import { barCount, defineIndicator } from './indicator';
import { sma } from './sma';

/**
 * Place of the close within the range of the last bars, 0 to 100 and 0 without a range: averaged once
 * (%K) and once more (%D). Both begin with %D, as in TA-Lib.
 */
export const stochasticIndicator = defineIndicator({
  name: 'stochastic',
  description: 'Slow stochastic oscillator, 0 to 100',
  category: 'momentum',
  reference: 'TA-Lib STOCH with simple averages',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({
    k_period: barCount(14, 'bars in the range'),
    d_period: barCount(3, 'bars in the average of %K'),
    smooth_k: barCount(3, 'bars in the average that makes %K'),
  }),
  outputs: ['k', 'd'],
  warmupBars: (parameters) => lookback(parameters),
  compute({ high, low, close }, parameters) {
    const { k_period, d_period, smooth_k } = parameters;
    const { highest: place, lowest } = rollingExtremes({ high, low }, k_period);
    for (let i = k_period - 1; i < place.length; i++) {
      const bottom = lowest[i] as number;
      const range = (place[i] as number) - bottom;
      place[i] = range === 0 ? 0 : (100 * ((close[i] as number) - bottom)) / range;
    }
    const k = smooth_k === 1 ? place : sma(place, smooth_k, lowest);
    const d = d_period === 1 ? k : sma(k, d_period);
    k.fill(NaN, 0, lookback(parameters));
    return { k, d };
  },
});

function lookback({ k_period, d_period, smooth_k }: Record<'k_period' | 'd_period' | 'smooth_k', number>) {
  return k_period + smooth_k + d_period - 3;
}
