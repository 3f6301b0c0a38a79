import { expect, test } from 'bun:test';
import { parseSeriesFileName } from './series-file-name';

test.each([
  ['AAPL_1d.csv', 'AAPL', '1d'],
  ['/data/bars/AAPL_1H.CSV', 'AAPL', '1h'],
  ['C:\\bars\\EURUSD_5m.csv', 'EURUSD', '5m'],
  ['BRK.B_1w.csv', 'BRK.B', '1w'],
  ['a_b/BTC_USD_1m.csv', 'BTC_USD', '1m'],
])('parseSeriesFileName(%p) is %s in %s', (path, symbol, timeframe) => {
  expect(parseSeriesFileName(path)).toEqual({ symbol, timeframe } as ReturnType<typeof parseSeriesFileName>);
});

test.each([
  ['AAPL.csv', 'Cannot import AAPL.csv: its name is not {symbol}_{timeframe}.csv', '--symbol AAPL'],
  ['_1d.csv', 'Cannot import _1d.csv: its name is not {symbol}_{timeframe}.csv', '--timeframe 1d'],
  ['dir/', 'Cannot import a file: its name is not {symbol}_{timeframe}.csv', '--symbol'],
  ['AAPL_1d.json', 'Cannot import AAPL_1d.json: its name is not {symbol}_{timeframe}.csv', 'AAPL_1d.csv'],
  ['AAPL_daily.csv', 'Cannot import AAPL_daily.csv: "daily" is not a timeframe', 'mean AAPL_1d.csv?'],
  ['AAPL_60m.csv', 'Cannot import AAPL_60m.csv: "60m" is not a timeframe', 'mean AAPL_1h.csv?'],
  ['AAPL_2020.csv', 'Cannot import AAPL_2020.csv: "2020" is not a timeframe', 'timeframes are 1m, 5m'],
])('parseSeriesFileName(%p) is refused', (path, message, hint) => {
  expect(() => parseSeriesFileName(path)).toThrow(
    expect.objectContaining({ code: 'invalid', message, hint: expect.stringContaining(hint) }),
  );
});
