import { expect, test } from 'bun:test';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import type { BacktestTrade } from '#agent/contract/backtest';
import { tableAnswer } from './answer';
import { EQUITY_COLUMNS, TRADE_COLUMNS, unitColumns } from './columns';
import type { TableColumn } from './table';

/** Doubles that a careless text would change. */
const AWKWARD = [0.1 + 0.2, 1e-300, 5e-324, 1.7976931348623157e308, -1 / 3, 123_456_789 / 7, 0];

const trades = AWKWARD.map((price, index): BacktestTrade => ({
  trade_id: index + 1,
  symbol: index % 2 === 0 ? '^GSPC' : 'BRK,"B"',
  side: index % 2 === 0 ? 'LONG' : 'SHORT',
  entry_price: price,
  entry_time: new Date(Date.UTC(1969, 11, 31, 23, 59, 59, index)).toISOString(),
  exit_price: 0 - price,
  exit_time: new Date(Date.UTC(2024, 0, index + 1)).toISOString(),
  quantity: price * 3,
  gross_pnl: price,
  commission: price / 7,
  slippage: 0,
  net_pnl: price,
  holding_period_hours: 24,
  max_favorable_excursion: price,
  max_adverse_excursion: 0 - price,
  decision_metadata: { exit_reason: 'line\nend' },
}));

async function* inParts<Row>(rows: readonly Row[], size: number): AsyncGenerator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += size) {
    await Promise.resolve();
    yield rows.slice(from, from + size);
  }
}

function flat<Row>(columns: ReadonlyArray<TableColumn<Row>>, row: Row): Record<string, unknown> {
  return Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]));
}

async function readCsv(response: Response): Promise<Array<Record<string, string>>> {
  return parse(await response.text(), { columns: true });
}

async function readParquet(response: Response): Promise<Array<Record<string, unknown>>> {
  const rows = await parquetReadObjects({ file: await response.arrayBuffer() });
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
    ),
  );
}

function tradesFile(format: 'csv' | 'parquet', size: number): Response {
  return tableAnswer(format, { name: 'trades', columns: TRADE_COLUMNS, parts: inParts(trades, size) });
}

const expected = trades.map((trade) => flat(TRADE_COLUMNS, trade));

test.each([1, 3, 100])('CSV in parts of %d rows has every trade bit for bit', async (size) => {
  const rows = await readCsv(tradesFile('csv', size));
  const numeric = new Set(
    TRADE_COLUMNS.filter(({ type }) => type === 'number' || type === 'integer').map(({ name }) => name),
  );
  const typed = rows.map((row): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(row).map(([name, text]) => [name, numeric.has(name) ? Number(text) : text]),
    ),
  );
  expect(typed).toEqual(expected);
});

test.each([1, 3, 100])('Parquet in parts of %d rows has every trade bit for bit', async (size) => {
  expect(await readParquet(tradesFile('parquet', size))).toEqual(expected);
});

test('an empty table is a file with columns and no rows', async () => {
  const empty = () => ({ name: 'equity', columns: EQUITY_COLUMNS, parts: inParts([], 1) });
  expect(await tableAnswer('csv', empty()).text()).toBe('time,equity\r\n');
  expect(await readParquet(tableAnswer('parquet', empty()))).toEqual([]);
});

test('the answer names the file', () => {
  expect(tradesFile('csv', 1).headers.get('content-disposition')).toBe('attachment; filename="trades.csv"');
});

test('units have a column for each parameter and metric; undefined metrics are empty', async () => {
  const units = [
    {
      unitIndex: 0,
      parameters: { fast: 5, average: 'sma', allow_short: false },
      metrics: { odd: 1, sharpe_ratio: 0.1 + 0.2 },
    },
    {
      unitIndex: 1,
      parameters: { fast: 6, average: 'ema', allow_short: true },
      metrics: { odd: 2, sharpe_ratio: null },
    },
  ];
  const file = (format: 'csv' | 'parquet') =>
    tableAnswer(format, { name: 'units', columns: unitColumns(units), parts: inParts(units, 1) });
  expect(await readParquet(file('parquet'))).toEqual([
    {
      unit_index: 0,
      param_fast: 5,
      param_average: 'sma',
      param_allow_short: false,
      sharpe_ratio: 0.1 + 0.2,
      odd: 1,
    },
    {
      unit_index: 1,
      param_fast: 6,
      param_average: 'ema',
      param_allow_short: true,
      sharpe_ratio: null,
      odd: 2,
    },
  ]);
  expect((await file('csv').text()).split('\r\n')).toEqual([
    'unit_index,param_fast,param_average,param_allow_short,sharpe_ratio,odd',
    '0,5,sma,false,0.30000000000000004,1',
    '1,6,ema,true,,2',
    '',
  ]);
});
