import { afterAll, beforeAll, expect, test } from 'bun:test';
import { parquetReadObjects } from 'hyparquet';
import { importBars as readCsv } from '#agent/engine/bars-import/import-bars';
import { dataHash } from '#agent/kit/data-hash';
import { seededRng } from '#agent/kit/rng';
import { eachBars, readBars } from '#control/store/bars';
import { importBars } from '#control/store/import-bars';
import type { StoredColumns } from '#control/store/packed-bars';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { barsTable } from './bars-table';

/** More than two pages of the store. */
const BARS = 45_000;
const MINUTE_US = 60_000_000n;
const START_US = 1_704_052_800_000_000n;
/** Doubles that a careless text would change, in bars that can have happened. */
const AWKWARD = [0.1 + 0.2, 1 / 3, 1e-300, 5e-324, 123_456_789 / 7, 1e300];

function awkwardBars(): StoredColumns {
  const rng = seededRng(11);
  const price = Float64Array.from({ length: BARS }, (_, i) => (AWKWARD[i % AWKWARD.length] as number) * 2);
  return {
    // Microseconds that no Date can hold.
    time: BigInt64Array.from({ length: BARS }, (_, i) => START_US + BigInt(i) * MINUTE_US + BigInt(i % 7)),
    open: price.slice(),
    high: price.slice(),
    low: price.slice(),
    close: price.slice(),
    volume: Float64Array.from({ length: BARS }, (_, i) => (i % 3 === 0 ? -0 : rng.next())),
  };
}

describeOnEachServer('bars as a file', (server) => {
  let fresh: FreshDatabase;
  const bars = awkwardBars();
  const series = { symbol: 'EUR/USD', timeframe: '1m' as const };

  beforeAll(async () => {
    fresh = await freshDatabase(server);
    await put(series.symbol, () => given(bars));
  }, 60_000);
  afterAll(() => fresh[Symbol.asyncDispose]());

  async function put(symbol: string, rows: () => AsyncIterable<StoredColumns>, onConflict = 'reject') {
    const request = {
      ...series,
      symbol,
      source: null,
      onConflict: onConflict as 'reject',
      dryRun: false,
    };
    await importBars(fresh.database, request, { rows: rows(), timezone: () => 'UTC', report: () => ({}) });
  }

  test('CSV says what it is, and imports to the same logical hash', async () => {
    const response = await barsTable(fresh.database, series, 'csv');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="EUR%2FUSD_1m.csv"',
      'x-total-count': String(BARS),
    });
    const body: AsyncIterable<Uint8Array> = response.body ?? new Blob().stream();
    const options = { ...series, symbol: 'COPY', onBad: 'reject' as const };
    await put('COPY', () => readCsv(body, options));
    const copy = await readBars(fresh.database, { symbol: 'COPY', timeframe: '1m' });
    expect(await dataHash(copy)).toBe(await dataHash(bars));
  }, 60_000);

  test('Parquet has the same times and doubles', async () => {
    const response = await barsTable(fresh.database, series, 'parquet');
    const rows = await parquetReadObjects({ file: await response.arrayBuffer() });
    expect(rows).toHaveLength(BARS);
    const column = (name: string) => Float64Array.from(rows, (row) => Number(row[name]));
    for (const name of ['open', 'high', 'low', 'close', 'volume'] as const)
      expect(Buffer.from(column(name).buffer).equals(Buffer.from(bars[name].buffer))).toBe(true);
    // The reader makes a Date of microseconds.
    expect(rows.map(({ time }) => Number(time))).toEqual(Array.from(bars.time, (us) => Number(us / 1000n)));
  }, 60_000);

  test('a range counts its own bars, and an empty one has none', async () => {
    const endUs = START_US + 100n * MINUTE_US;
    const response = await barsTable(fresh.database, { ...series, endUs }, 'csv');
    expect(response.headers.get('x-total-count')).toBe('100');
    expect((await response.text()).trimEnd().split('\r\n')).toHaveLength(101);
    const none = await barsTable(fresh.database, { ...series, endUs: 0 }, 'csv');
    expect(await none.text()).toBe('time,open,high,low,close,volume\r\n');
  });

  test('an unknown series is refused before the answer begins', () => {
    expect(barsTable(fresh.database, { ...series, symbol: 'EUR/USDT' }, 'csv')).rejects.toThrow(
      'Cannot find bars of EUR/USDT 1m',
    );
  });

  test('a series that is changed while it is read ends the reading', async () => {
    await put('MOVING', () => given(bars));
    const pages = eachBars(fresh.database, { ...series, symbol: 'MOVING', revision: 1 });
    expect((await pages.next()).done).toBe(false);
    const changed = { ...awkwardBars(), volume: new Float64Array(BARS).fill(7) };
    await put('MOVING', () => given(changed), 'replace');
    expect(pages.next()).rejects.toMatchObject({ code: 'conflict' });
  }, 60_000);
});

async function* given(bars: StoredColumns): AsyncGenerator<StoredColumns> {
  yield await Promise.resolve(bars);
}
