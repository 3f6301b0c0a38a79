import type { BarColumns } from '#agent/engine/bars';

/** (high + low + close) / 3 of each bar, TA-Lib's TYPPRICE. */
export function typicalPrice({ high, low, close }: Pick<BarColumns, 'high' | 'low' | 'close'>): Float64Array {
  const { length } = close;
  const price = new Float64Array(length);
  for (let i = 0; i < length; i++)
    price[i] = ((high[i] as number) + (low[i] as number) + (close[i] as number)) / 3;
  return price;
}
