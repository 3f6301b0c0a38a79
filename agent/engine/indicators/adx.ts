import { z } from 'zod';
import type { BarColumns } from '#agent/engine/bars';
import { trueRange } from './atr';
import { barCount, defineIndicator } from './indicator';

/** TA-Lib takes ranges and sums below this for none. */
const ZERO = 1e-14;

export const adxIndicator = defineIndicator({
  name: 'adx',
  description: 'Average directional index with its directional indicators, 0 to 100',
  category: 'trend',
  reference: 'TA-Lib ADX, PLUS_DI and MINUS_DI',
  inputs: ['high', 'low', 'close'],
  parameters: z.strictObject({ period: barCount(14, 'bars of Wilder’s averages', 2) }),
  outputs: ['adx', 'plus_di', 'minus_di'],
  warmupBars: ({ period }) => 2 * period - 1,
  compute: (columns, { period }) => directionalMovement(columns, period),
});

/**
 * Wilder's directional movement: +DI and −DI are 100 · smoothed movement / smoothed true range, the
 * index is the average of 100 · |+DI − −DI| / (+DI + −DI). The directional indicators begin after
 * `period` bars, the index after 2 · `period` − 1; all are 0 as long as nothing has moved.
 */
function directionalMovement(
  { high, low, close }: Pick<BarColumns, 'high' | 'low' | 'close'>,
  period: number,
) {
  const { length } = close;
  const adx = new Float64Array(length).fill(NaN, 0, 2 * period - 1);
  const plus_di = new Float64Array(length).fill(NaN, 0, period);
  const minus_di = new Float64Array(length).fill(NaN, 0, period);
  const weight = 1 / period;
  let up = 0;
  let down = 0;
  let range = 0;
  let index = 0;
  for (let i = 1; i < length; i++) {
    const rise = (high[i] as number) - (high[i - 1] as number);
    const fall = (low[i - 1] as number) - (low[i] as number);
    if (i >= period) {
      up -= up * weight;
      down -= down * weight;
      range -= range * weight;
    }
    if (fall > 0 && rise < fall) down += fall;
    else if (rise > 0 && rise > fall) up += rise;
    range += trueRange(high[i] as number, low[i] as number, close[i - 1] as number);
    if (i < period) continue;
    const plus = range < ZERO ? 0 : 100 * (up / range);
    const minus = range < ZERO ? 0 : 100 * (down / range);
    plus_di[i] = plus;
    minus_di[i] = minus;
    const sum = plus + minus;
    const defined = sum >= ZERO;
    const value = defined ? (100 * Math.abs(plus - minus)) / sum : 0;
    // The first `period` values are averaged, those without movement counting as 0; later ones are left out.
    if (i < 2 * period) index += value * weight;
    else if (defined) index += (value - index) * weight;
    if (i >= 2 * period - 1) adx[i] = index;
  }
  return { adx, plus_di, minus_di };
}
