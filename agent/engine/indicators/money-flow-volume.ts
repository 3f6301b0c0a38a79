import type { BarColumns } from '#agent/engine/bars';

/** Chaikin's volume · ((close − low) − (high − close)) / (high − low) of each bar; 0 without a range. */
export function moneyFlowVolume({
  high,
  low,
  close,
  volume,
}: Pick<BarColumns, 'high' | 'low' | 'close' | 'volume'>): Float64Array {
  const { length } = close;
  const flow = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const top = high[i] as number;
    const bottom = low[i] as number;
    const price = close[i] as number;
    const range = top - bottom;
    if (range > 0) flow[i] = ((price - bottom - (top - price)) / range) * (volume[i] as number);
  }
  return flow;
}
