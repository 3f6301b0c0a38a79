import { afterAll, beforeAll, expect, test } from 'bun:test';
import { endpoints } from '#agent/contract/endpoints';
import type { CalculatedIndicator } from '#agent/contract/indicator-endpoints';
import { seededRng } from '#agent/kit/rng';
import { INDICATOR_NAMES } from '#agent/engine/indicators/registry';
import { rsi } from '#agent/engine/indicators/rsi';
import type { ControlContext } from '#control/http/context';
import { importBars } from '#control/store/import-bars';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { randomBars } from '#test/support/random-bars';
import { indicatorHandlers } from './indicators';

const BARS = randomBars(seededRng(5), { length: 300 });
const ROW = endpoints.calculateIndicator;

describeOnEachServer('indicators over HTTP', (server) => {
  let fresh: FreshDatabase;
  const handlers = () => indicatorHandlers({ database: fresh.database } as ControlContext);
  const input = { params: {}, request: new Request('http://test'), signal: new AbortController().signal };

  beforeAll(async () => {
    fresh = await freshDatabase(server);
    async function* rows() {
      yield await Promise.resolve(BARS);
    }
    await importBars(
      fresh.database,
      { symbol: 'SPX', timeframe: '1d', source: null, onConflict: 'reject', dryRun: false },
      { rows: rows(), timezone: () => 'UTC', report: () => ({}) },
    );
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  async function calculate(request: Record<string, unknown>): Promise<CalculatedIndicator> {
    const body = ROW.body.parse({ symbol: 'SPX', timeframe: '1d', ...request });
    const reply = await handlers().calculateIndicator({ ...input, query: {}, body });
    return ROW.reply.parse(reply).data;
  }

  test('every indicator is listed, all or of one category', async () => {
    const all = endpoints.listIndicators.reply.parse(
      await handlers().listIndicators({ ...input, query: {}, body: undefined }),
    );
    expect(all.data.map(({ name }) => name)).toEqual([...INDICATOR_NAMES]);
    const volume = endpoints.listIndicators.reply.parse(
      await handlers().listIndicators({ ...input, query: { category: 'volume' }, body: undefined }),
    );
    expect(volume.data.map(({ name }) => name)).toEqual(['ad', 'cmf', 'mfi', 'obv', 'volumeratio', 'vwap']);
    expect(() =>
      handlers().listIndicators({ ...input, query: { category: 'volum' }, body: undefined }),
    ).toThrow("Cannot list indicators of 'volum'");
  });

  test('the categories hold each indicator once', async () => {
    const reply = await handlers().listIndicatorCategories({ ...input, query: {}, body: undefined });
    const { data } = endpoints.listIndicatorCategories.reply.parse(reply);
    expect(data.flatMap(({ indicators }) => indicators).toSorted()).toEqual([...INDICATOR_NAMES]);
  });

  test('calculate answers columns, null in warm-up, with the defaults that were used', async () => {
    const reply = await calculate({ indicator: 'RSI', source: 'high' });
    expect(reply).toMatchObject({
      indicator: 'rsi',
      parameters: { period: 14 },
      source: 'high',
      bars_in_range: 300,
    });
    expect(reply.time).toHaveLength(300);
    const expected = Array.from(rsi(BARS.high, 14), (value) => (Number.isNaN(value) ? null : value));
    expect(reply.outputs).toEqual({ rsi: expected });
  });

  test('a range is warmed up by the bars before it, and its last bars are answered', async () => {
    const all = await calculate({ indicator: 'macd' });
    const some = await calculate({
      indicator: 'macd',
      start: all.time[100]?.slice(0, 10),
      end: all.time[200]?.slice(0, 10),
      limit: 40,
    });
    expect(some.bars_in_range).toBe(100);
    expect(some.time).toEqual(all.time.slice(160, 200));
    expect(some.outputs['signal']).toEqual(all.outputs['signal']?.slice(160, 200) ?? []);
  });

  test.each([
    [{ indicator: 'macdd' }, "Cannot find indicator 'macdd'"],
    [{ indicator: 'macd', parameters: { fast: 3 } }, "there is no parameter 'fast'"],
    [{ indicator: 'macd', parameters: { fast_period: 30 } }, 'fast_period < slow_period must hold'],
    [{ indicator: 'sma', symbol: 'NONE' }, 'NONE'],
    [{ indicator: 'sma', start: '2021-01-01', end: '2020-01-01' }, 'the end is not after the start'],
  ])('%p is refused', async (request, reason) => {
    expect(calculate(request)).rejects.toThrow(reason);
    await calculate(request).catch(() => undefined);
  });

  test('a range without bars gives empty columns', async () => {
    const reply = await calculate({ indicator: 'adx', end: '2019-01-01' });
    expect(reply).toMatchObject({
      time: [],
      outputs: { adx: [], plus_di: [], minus_di: [] },
      bars_in_range: 0,
    });
  });
});
