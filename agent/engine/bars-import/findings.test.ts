import { describe, expect, test } from 'bun:test';
import { day, file, found, microseconds, readFile, refusalOfFile } from '#test/support/import-file';

describe('what it reports', () => {
  test('a clean file has nothing but its assumed zone', async () => {
    const { summary } = await readFile(file(day('2020-01-02'), day('2020-01-03'), day('2020-01-06')));
    expect(summary.findings).toEqual([
      {
        kind: 'timezone_assumed',
        severity: 'info',
        count: 3,
        message: '3 times without an offset, read as UTC; --timezone names another zone',
        examples: [],
      },
    ]);
  });

  test('a zone that was named, or offsets, leave nothing to assume', async () => {
    const named = await readFile(file(day('2020-01-02')), { timezone: 'America/New_York' });
    expect(named.summary).toMatchObject({ timezone: 'America/New_York', findings: [] });
    expect(named.bars[0]?.[0]).toBe(microseconds('2020-01-02T05:00Z'));
    const offset = await readFile(file(day('2020-01-02 00:00:00-05:00')));
    expect(offset.summary.findings).toEqual([]);
    expect(offset.bars[0]?.[0]).toBe(microseconds('2020-01-02T05:00Z'));
  });

  test('equal rows become one, wherever they stand', async () => {
    const rows = [
      day('2020-01-02'),
      day('2020-01-02'),
      day('2020-01-03'),
      day('2020-01-06'),
      day('2020-01-03'),
    ];
    const { bars, lines, summary } = await readFile(file(...rows));
    expect(bars).toHaveLength(3);
    expect(lines).toEqual([2, 4, 5]);
    expect(summary).toMatchObject({ rowsRead: 5, barCount: 3 });
    expect(found(summary, 'duplicate')).toMatchObject([
      {
        count: 2,
        examples: ['line 3 (2020-01-02) repeats line 2', 'line 6 (2020-01-03) repeats line 4'],
      },
    ]);
    expect(found(summary, 'out_of_order')).toMatchObject([{ count: 1, severity: 'warning' }]);
  });

  test('newest first is sorted and only mentioned', async () => {
    const { lines, summary } = await readFile(file(day('2020-01-06'), day('2020-01-03'), day('2020-01-02')));
    expect(lines).toEqual([4, 3, 2]);
    expect(found(summary, 'out_of_order')).toMatchObject([{ count: 2, severity: 'info' }]);
    expect(found(summary, 'hole')).toEqual([]);
  });

  test('weekdays without a bar: holidays are information, a week is a warning', async () => {
    const { summary } = await readFile(
      file(day('2020-01-02'), day('2020-01-06'), day('2020-01-13'), day('2020-01-14')),
    );
    expect(found(summary, 'hole')).toMatchObject([
      {
        severity: 'warning',
        count: 1,
        examples: ['4 weekdays between 2020-01-06 and line 4 (2020-01-13)'],
      },
      {
        severity: 'info',
        count: 1,
        examples: ['1 weekday between 2020-01-02 and line 3 (2020-01-06)'],
      },
    ]);
  });

  test('weekdays are those of the zone', async () => {
    const rows = [day('2020-01-02'), day('2020-01-03'), day('2020-01-06')];
    const { summary } = await readFile(file(...rows), { timezone: 'Asia/Tokyo' });
    expect(summary.findings).toEqual([]);
  });

  test('bars missing within a day, not over night', async () => {
    const rows = ['2020-01-02 15:58', '2020-01-02 15:59', '2020-01-03 09:30', '2020-01-03 09:33'].map((at) =>
      day(at),
    );
    const { summary } = await readFile(file(...rows), { timeframe: '1m', timezone: 'America/New_York' });
    expect(found(summary, 'hole')).toMatchObject([
      {
        severity: 'warning',
        count: 1,
        examples: ['2 bars between 2020-01-03T14:30:00Z and line 5 (2020-01-03T14:33:00Z)'],
      },
    ]);
  });

  test('weeks without a bar', async () => {
    const { summary } = await readFile(file(day('2020-01-06'), day('2020-01-13'), day('2020-02-03')), {
      timeframe: '1w',
    });
    expect(found(summary, 'hole')).toMatchObject([
      { examples: ['2 weeks between 2020-01-13 and line 4 (2020-02-03)'] },
    ]);
  });

  test.each([
    ['1d', '2020-01-02 16:00', 1],
    ['1d', '2020-01-02', 0],
    ['1h', '2020-01-02 09:30', 0],
    ['1h', '2020-01-02 09:45', 1],
    ['5m', '2020-01-02 09:35', 0],
    ['5m', '2020-01-02 09:36', 1],
    ['1m', '2020-01-02 09:36:01', 1],
  ] as const)('a %s bar at %s: %i off the grid', async (timeframe, at, count) => {
    const { summary } = await readFile(file(day(at)), { timeframe, timezone: 'America/New_York' });
    expect(found(summary, 'off_grid').map((finding) => finding.count)).toEqual(count === 0 ? [] : [count]);
  });

  test.each([
    [100, 50, '2:1'],
    [100, 25.5, '4:1'],
    [100, 66, '3:2'],
    [10, 100, '1:10'],
    [100, 80, undefined],
    [100, 130, undefined],
    [100, 40, undefined],
  ])('a close of %p, then %p: %p', async (before, after, ratio) => {
    const { summary } = await readFile(file(day('2020-01-02', before), day('2020-01-03', after)));
    const examples =
      ratio === undefined ? [] : [`line 3 (2020-01-03): close ${before} → ${after}, about ${ratio}`];
    expect(found(summary, 'possible_split').flatMap((finding) => finding.examples)).toEqual(examples);
  });

  test('the hour that a clock shows twice is kept in order, and said', async () => {
    const rows = ['00:59', '01:00', '01:30', '01:00', '01:30', '02:00'].map((at) => day(`2020-11-01 ${at}`));
    const { bars, summary } = await readFile(file(...rows), {
      timeframe: '30m',
      timezone: 'America/New_York',
    });
    const times = bars.map(([at = 0]) => new Date(at / 1000).toISOString().slice(11, 16));
    expect(times).toEqual(['04:59', '05:00', '05:30', '06:00', '06:30', '07:00']);
    expect(found(summary, 'ambiguous_time')).toMatchObject([{ count: 4, severity: 'warning' }]);
    expect(found(summary, 'ambiguous_time')[0]?.examples[2]).toBe(
      'line 5: "2020-11-01 01:00" comes twice, taken as 2020-11-01T06:00:00Z',
    );
  });
});

describe('bars that cannot have happened', () => {
  test.each([
    ['10,9,10,10,1', 'high 9 is below low 10'],
    ['12,11,9,10,1', 'open 12 is above high 11'],
    ['10,11,9,8,1', 'close 8 is below low 9'],
    ['0,11,0,10,1', 'open 0 is not positive'],
    ['-1,11,9,10,1', 'open -1 is not positive'],
    ['10,11,9,10,-1', 'volume -1 is negative'],
    ['10,11,9,nan,1', 'close is NaN'],
    ['10,inf,9,10,1', 'high is Infinity'],
    ['10,1e999,9,10,1', 'high is Infinity'],
  ])('%s: %s', async (figures, reason) => {
    const content = file(day('2020-01-02'), `2020-01-03,${figures}`);
    const fault = await refusalOfFile(content);
    expect(fault).toMatchObject({
      code: 'invalid',
      message: `Cannot import AAPL 1d: 1 bar cannot have happened: line 3 (2020-01-03): ${reason}`,
      hint: expect.stringContaining('--on-bad keep'),
      details: { findings: expect.arrayContaining([expect.objectContaining({ kind: 'impossible' })]) },
    });
    const { bars, summary } = await readFile(content, { onBad: 'keep' });
    expect(bars[1]?.slice(1)).toEqual(
      figures.split(',').map((text) => Number(text.replace('inf', 'Infinity'))),
    );
    expect(found(summary, 'impossible')).toMatchObject([{ severity: 'error', count: 1 }]);
  });

  test('the last digits of computed prices, and a volume of zero, are fine', async () => {
    const { summary } = await readFile(file('2020-01-02,10.000000000001,10,9,8.999999999999,0'));
    expect(found(summary, 'impossible')).toEqual([]);
  });

  test('five examples stand for all', async () => {
    const rows = Array.from({ length: 9 }, (_, index) => `2020-01-0${index + 1},10,9,10,10,1`);
    const { summary } = await readFile(file(...rows), { onBad: 'keep' });
    expect(found(summary, 'impossible')[0]).toMatchObject({ count: 9, examples: { length: 5 } });
  });
});
