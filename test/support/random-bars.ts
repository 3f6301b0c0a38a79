import type { Timeframe } from '#agent/contract/timeframe';
import { timeframeMs } from '#agent/contract/timeframe';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import type { Rng } from '#agent/kit/rng';

export interface RandomBarsOptions {
  length: number;
  timeframe?: Timeframe;
  /** Typical relative size of one bar's moves. */
  volatility?: number;
  startPrice?: number;
}

/** A random walk with gaps between bars; every bar is possible (low ≤ open, close ≤ high). */
export function randomBars(rng: Rng, options: RandomBarsOptions): Bars {
  const { length, timeframe = '1d', volatility = 0.02, startPrice = 100 } = options;
  const columns = {
    time: new BigInt64Array(length),
    open: new Float64Array(length),
    high: new Float64Array(length),
    low: new Float64Array(length),
    close: new Float64Array(length),
    volume: new Float64Array(length),
  };
  const move = (): number => 1 + volatility * (rng.next() + rng.next() - 1);
  const startUs = BigInt(Date.UTC(2020, 0, 1)) * 1000n;
  let price = startPrice;
  for (let i = 0; i < length; i++) {
    const open = price * move();
    const close = open * move();
    columns.time[i] = startUs + BigInt(i * timeframeMs(timeframe)) * 1000n;
    columns.open[i] = open;
    columns.close[i] = close;
    columns.high[i] = Math.max(open, close) * (1 + (volatility / 4) * rng.next());
    columns.low[i] = Math.min(open, close) * (1 - (volatility / 4) * rng.next());
    columns.volume[i] = rng.below(1_000_000);
    price = close;
  }
  return createBars('RANDOM', timeframe, columns);
}
