import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';

/** 5,105 real daily bars of the S&P 500, 2000-01-03 to 2020-04-17, from npm vega-datasets (BSD-3). */
export async function loadSp500(): Promise<Bars> {
  const file = new URL('../data/sp500-2000.csv', import.meta.resolve('vega-datasets'));
  const rows = (await Bun.file(file).text())
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  const column = (index: number): Float64Array => Float64Array.from(rows, (row) => Number(row[index]));
  return createBars('SP500', '1d', {
    time: BigInt64Array.from(rows, ([date = '']) => BigInt(Date.parse(date)) * 1000n),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(6),
  });
}
