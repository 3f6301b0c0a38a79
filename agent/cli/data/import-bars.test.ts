import { expect, test } from 'bun:test';
import { seriesOf } from './import-bars';

test.each([
  ['SPX_1d.csv', 'SPX', '1d'],
  ['/data/BRK_B_1h.CSV', 'BRK_B', '1h'],
  ['./EURUSD_1M.csv', 'EURUSD', '1m'],
  ['EUR%2FUSD_1h.csv', 'EUR/USD', '1h'],
])('%s is %s in bars of %s', (file, symbol, timeframe) => {
  expect(seriesOf(file, {})).toEqual({ symbol, timeframe: timeframe as '1d' });
});

test('flags win over the name', () => {
  expect(seriesOf('SPX_1d.csv', { symbol: 'GSPC' })).toEqual({ symbol: 'GSPC', timeframe: '1d' });
  expect(seriesOf('-', { symbol: 'SPX', timeframe: '1h' })).toEqual({ symbol: 'SPX', timeframe: '1h' });
});

test.each(['bars.csv', 'SPX_2d.csv', 'SPX_1d.txt', '-', '_1d.csv'])('%s says too little', (file) => {
  expect(() => seriesOf(file, {})).toThrow('Cannot import');
});
