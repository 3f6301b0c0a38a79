import { expect, test } from 'bun:test';
import type { Timeframe } from '#agent/contract/timeframe';
import { silentLog } from '#agent/kit/log';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { waitUntil } from '#test/support/wait-until';
import { readAggregate, readBars } from './bars';
import { barsSource } from './bars-source';
import { connect, type Database } from './connect';
import type { StoredColumns } from './packed-bars';
import { importBars, listImportReports, type ImportOutcome, type ImportRequest } from './import-bars';
import { listSeries, listSymbols, requireSeries } from './series';

const HOUR_US = 3_600_000_000n;
/** 2023-12-31T20:00:00Z: a few hours before a new year, so that two partitions are met. */
const START_US = 1_704_052_800_000_000n;
const DENORMAL = 5e-324;

describeOnEachServer('bars', (server) => {
  test('importBars() and readBars() keep microseconds and doubles exactly, over partitions', async () => {
    await using fresh = await freshDatabase(server);
    const bars = chunkOf(10);
    bars.time[1] = (bars.time[1] as bigint) + 1n;
    bars.open.set([0.1 + 0.2, Number.MAX_VALUE, DENORMAL, 1 / 3]);
    const outcome = await put(fresh.database, [bars]);
    expect(outcome).toMatchObject({ inserted: 10, unchanged: 0, replaced: 0 });
    expect(outcome.series).toMatchObject({ barCount: 10, revision: 1, firstAt: '2023-12-31T20:00:00Z' });
    expect(await readBars(fresh.database, SERIES)).toEqual(bars);
    const partitions = await fresh.database.sql`
      select inhrelid::regclass::text as name from pg_inherits where inhparent = 'bar'::regclass order by 1`;
    expect(partitions.map((row): unknown => row['name'])).toEqual(['bar_2023', 'bar_2024']);
  });

  test('an equal import changes nothing; another one is refused, or replaces', async () => {
    await using fresh = await freshDatabase(server);
    await put(fresh.database, [chunkOf(5)]);
    expect(await put(fresh.database, [chunkOf(5)])).toMatchObject({
      inserted: 0,
      unchanged: 5,
      series: { revision: 1 },
    });
    const changed = chunkOf(7);
    changed.close[2] = 99;
    const refused = put(fresh.database, [changed]);
    expect(refused).rejects.toMatchObject({ code: 'conflict', details: { conflicts: 1 } });
    expect(refused).rejects.toThrow('1 bar differs from what is stored (2023-12-31T22:00:00Z');
    await refused.catch(() => undefined);
    expect(await requireSeries(fresh.database.sql, 'SPX', '1h')).toMatchObject({ revision: 1, barCount: 5 });

    const replaced = await put(fresh.database, [changed], { onConflict: 'replace' });
    expect(replaced).toMatchObject({ inserted: 2, unchanged: 4, replaced: 1 });
    expect(replaced.series).toMatchObject({ revision: 2, barCount: 7, lastAt: '2024-01-01T02:00:00Z' });
    expect((await readBars(fresh.database, SERIES)).close[2]).toBe(99);
    const { seriesId } = await requireSeries(fresh.database.sql, 'SPX', '1h');
    expect((await listImportReports(fresh.database, seriesId)).map(({ report }) => report)).toEqual([
      { inserted: 2 },
      { inserted: 0 },
      { inserted: 5 },
    ]);
  });

  test('two rows of one time are refused', async () => {
    await using fresh = await freshDatabase(server);
    const refused = put(fresh.database, [chunkOf(4), chunkOf(2)]);
    expect(refused).rejects.toMatchObject({ code: 'invalid' });
    await refused.catch(() => undefined);
    expect(await listSeries(fresh.database.sql)).toEqual([]);
  });

  test('nothing is written when the rows fail, nor in a dry run', async () => {
    await using fresh = await freshDatabase(server);
    async function* broken(): AsyncGenerator<StoredColumns> {
      yield await Promise.resolve(chunkOf(20_000));
      throw new Error('line 20002 is broken');
    }
    const errors: unknown[] = [];
    for (const attempt of [() => put(fresh.database, broken()), () => put(fresh.database, [])]) {
      await attempt().catch((error: unknown) => errors.push(error));
    }
    expect(errors.map(String)).toEqual([
      'Error: line 20002 is broken',
      'Fault: Cannot import SPX 1h: there are no bars in it',
    ]);
    const dry = await put(fresh.database, [chunkOf(5)], { dryRun: true });
    expect(dry).toMatchObject({ inserted: 5, series: null });
    expect(await listSeries(fresh.database.sql)).toEqual([]);
    expect(await fresh.database.sql`select 1 from bar`).toHaveLength(0);
    expect(await put(fresh.database, [chunkOf(5)])).toMatchObject({ inserted: 5 });
  });

  test('an import whose connection is lost fails cleanly, and the next one works', async () => {
    await using fresh = await freshDatabase(server, { connectionsMax: 1 });
    await using other = await connect({ address: { url: fresh.url }, log: silentLog, connectionsMax: 1 });
    async function* endless(): AsyncGenerator<StoredColumns> {
      for (let batch = 0; ; batch++) yield await Promise.resolve(chunkOf(1000, batch * 1000));
    }
    const lost = put(fresh.database, endless()).catch((error: unknown) => error);
    await waitUntil('the import to be ended', async () => {
      const ended = await other.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query like '%copy import_bar%' and pid <> pg_backend_pid()`;
      return ended.length > 0;
    });
    expect(await lost).toMatchObject({ code: 'unavailable' });
    await waitUntil('a new connection', () => fresh.database.sql`select 1`);
    expect(await put(fresh.database, [chunkOf(5)])).toMatchObject({ inserted: 5 });
  });

  test('imports of the same and of other series go on at the same time', async () => {
    await using fresh = await freshDatabase(server);
    const outcomes = await Promise.all([
      put(fresh.database, [chunkOf(2000)]),
      put(fresh.database, [chunkOf(2000)]),
      put(fresh.database, [chunkOf(2000)], { symbol: 'OTHER' }),
    ]);
    expect(outcomes.map(({ inserted, unchanged }) => inserted + unchanged)).toEqual([2000, 2000, 2000]);
    expect(await listSymbols(fresh.database.sql)).toEqual(['OTHER', 'SPX']);
  });

  test('readBars() gives ranges, limits and both orders, also over several pages', async () => {
    await using fresh = await freshDatabase(server);
    const bars = chunkOf(45_000);
    await put(fresh.database, [bars]);
    const all = await readBars(fresh.database, SERIES);
    expect(all.time).toEqual(bars.time);
    expect(all.volume).toEqual(bars.volume);
    const startUs = START_US + 10n * HOUR_US;
    const range = await readBars(fresh.database, { ...SERIES, startUs, endUs: startUs + 3n * HOUR_US });
    expect(range.time).toEqual(bars.time.slice(10, 13));
    const limited = await readBars(fresh.database, { ...SERIES, startUs: Number(startUs), limit: 30_000 });
    expect(limited.time).toEqual(bars.time.slice(10, 30_010));
    const last = await readBars(fresh.database, { ...SERIES, order: 'desc', limit: 2 });
    expect(last.time).toEqual(bars.time.slice(-2).reverse());
    const open = { startUs: -8.64e18, endUs: 8.64e18 };
    expect((await readBars(fresh.database, { ...SERIES, ...open })).time.length).toBe(45_000);
    expect((await readBars(fresh.database, { ...SERIES, endUs: START_US })).time.length).toBe(0);
  });

  test('readAggregate() makes bars of a higher timeframe', async () => {
    await using fresh = await freshDatabase(server);
    await put(fresh.database, [chunkOf(10)]);
    const days = await readAggregate(fresh.database, { ...SERIES, aggregate: '1d' });
    expect(days).toEqual({
      time: BigInt64Array.of(START_US - 20n * HOUR_US, START_US + 4n * HOUR_US),
      open: Float64Array.of(100, 104),
      high: Float64Array.of(104, 110),
      low: Float64Array.of(99, 103),
      close: Float64Array.of(103.5, 109.5),
      volume: Float64Array.of(0 + 1 + 2 + 3, 4 + 5 + 6 + 7 + 8 + 9),
    });
    // Weeks begin on Monday; 2024-01-01 was one.
    const weeks = await readAggregate(fresh.database, {
      ...SERIES,
      aggregate: '1w',
      order: 'desc',
      limit: 1,
    });
    expect(weeks.time).toEqual(BigInt64Array.of(START_US + 4n * HOUR_US));
    expect(readAggregate(fresh.database, { ...SERIES, aggregate: '5m' })).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  test('an unknown series is named with what there is instead', async () => {
    await using fresh = await freshDatabase(server);
    await put(fresh.database, [chunkOf(5)]);
    const source = barsSource(fresh.database);
    expect(source.revision('SPX', '1h')).resolves.toBe(1);
    expect(source.revision('SPY', '1h')).rejects.toMatchObject({
      code: 'not_found',
      hint: 'did you mean SPX?',
    });
    expect(readBars(fresh.database, { symbol: 'SPX', timeframe: '1d' })).rejects.toMatchObject({
      hint: 'SPX is stored as 1h',
    });
  });
});

const SERIES = { symbol: 'SPX', timeframe: '1h' as Timeframe };

/** Hourly bars: bar n opens at 100 + n, ranges from 99 + n to 101 + n, closes half a point up, volume n. */
function chunkOf(length: number, from = 0): StoredColumns {
  const column = (at: (index: number) => number) => Float64Array.from({ length }, (_, row) => at(from + row));
  return {
    time: BigInt64Array.from({ length }, (_, row) => START_US + BigInt(from + row) * HOUR_US),
    open: column((index) => 100 + index),
    high: column((index) => 101 + index),
    low: column((index) => 99 + index),
    close: column((index) => 100.5 + index),
    volume: column((index) => index),
  };
}

async function put(
  database: Database,
  chunks: StoredColumns[] | AsyncIterable<StoredColumns>,
  request: Partial<ImportRequest> = {},
): Promise<ImportOutcome> {
  async function* rows(): AsyncGenerator<StoredColumns> {
    yield* chunks;
  }
  return await importBars(
    database,
    { ...SERIES, source: 'test.csv', onConflict: 'reject', dryRun: false, ...request },
    { rows: rows(), timezone: () => 'UTC', report: ({ inserted }) => ({ inserted }) },
  );
}
