import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { importReportSchema } from '#agent/contract/bars';
import { seededRng } from '#agent/kit/rng';
import { randomBars } from '#test/support/random-bars';
import { loadSp500 } from '#test/support/sp500';
import { csvRows, file, found, HEADER, microseconds, readFile, rowsOf } from '#test/support/import-file';

describe('what it reads', () => {
  const expected = [
    [microseconds('2020-01-02'), 10, 11, 9, 10.5, 100],
    [microseconds('2020-01-03'), 10.5, 12, 10, 11, 200],
  ];
  test.each([
    ['plain', `${HEADER}\n2020-01-02,10,11,9,10.5,100\n2020-01-03,10.5,12,10,11,200\n`],
    ['no last line break', `${HEADER}\n2020-01-02,10,11,9,10.5,100\n2020-01-03,10.5,12,10,11,200`],
    ['CRLF', `${HEADER}\r\n2020-01-02,10,11,9,10.5,100\r\n2020-01-03,10.5,12,10,11,200\r\n`],
    [
      'byte order mark, blanks, case',
      `\uFEFF Date , OPEN,High,Low,Close,Volume \n2020-01-02, 10 ,11,9,1.05e1,100\n2020-01-03,10.5,12,10,11,200\n`,
    ],
    [
      'semicolons and quotes',
      `"Datetime";"Open";"High";"Low";"Close";"Volume"\n"2020-01-02";"10";11;9;10.5;100\n2020-01-03;10.5;12;10;11;200\n`,
    ],
    [
      'tabs and another order',
      `volume\tclose\tlow\thigh\topen\ttimestamp\n100\t10.5\t9\t11\t10\t1577923200\n200\t11\t10\t12\t10.5\t1578009600\n`,
    ],
    [
      'date and time apart',
      `date,time,open,high,low,close,volume\n20200102,00:00,10,11,9,10.5,100\n20200103,00:00:00,10.5,12,10,11,200\n`,
    ],
    ['blank lines', `\n${HEADER}\n\n2020-01-02,10,11,9,10.5,100\n  \n2020-01-03,10.5,12,10,11,200\n\n`],
  ])('%s', async (_, content) => {
    const { bars, summary } = await readFile(content);
    expect(bars).toEqual(expected);
    expect(summary).toMatchObject({ rowsRead: 2, barCount: 2, timezone: 'UTC' });
    expect([summary.firstUs, summary.lastUs]).toEqual([
      BigInt(microseconds('2020-01-02')),
      BigInt(microseconds('2020-01-03')),
    ]);
  });

  test('the real S&P 500 file: every bar, its one long hole, and nothing impossible', async () => {
    const path = new URL('../data/sp500-2000.csv', import.meta.resolve('vega-datasets'));
    const { bars, lines, summary } = await readFile(await Bun.file(path).bytes());
    const sp500 = await loadSp500();
    expect(bars).toEqual(rowsOf(sp500));
    expect(lines).toEqual(bars.map((_, index) => index + 2));
    expect(summary).toMatchObject({ rowsRead: 5105, barCount: 5105 });
    const kinds = summary.findings.map(({ kind, severity, count }) => `${severity} ${kind} ${count}`);
    expect(kinds).toEqual([
      'warning hole 1',
      'info hole 184',
      'info timezone_assumed 5105',
      'info column_ignored 1',
    ]);
    // The exchange stayed closed after 11 September 2001.
    expect(summary.findings[0]?.examples).toEqual([
      '4 weekdays between 2001-09-10 and line 428 (2001-09-17)',
    ]);
    expect(found(summary, 'column_ignored')[0]?.examples).toEqual(['"adjclose"']);
    expect(importReportSchema.shape.findings.safeParse(summary.findings).success).toBe(true);
  });

  test('any bars come back bit for bit, whatever the chunks, the order and the rows held', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ seed: fc.nat(), length: fc.integer({ min: 1, max: 400 }), shuffled: fc.boolean() }),
        async ({ seed, length, shuffled }) => {
          const rng = seededRng(seed);
          const bars = randomBars(rng, { length, timeframe: '1m', volatility: 0.001 });
          const rows = csvRows(bars);
          const order = shuffled ? rows.toSorted(() => rng.next() - 0.5) : rows;
          const imported = await readFile(`${HEADER}\n${order.join('\n')}\n`, {
            timeframe: '1m',
            chunkBytes: () => 1 + rng.below(3000),
            ...(!shuffled && { heldRowsMax: 16 }),
          });
          expect(imported.bars).toEqual(rowsOf(bars));
          const texts = ['', HEADER, ...order];
          const lined = imported.lines.map((line) => texts[line]);
          expect(lined).toEqual(rows);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('chunks ascend without a gap over many blocks', async () => {
    const bars = randomBars(seededRng(3), { length: 40_000, timeframe: '1m', volatility: 0.001 });
    const { bars: imported, summary } = await readFile(file(...csvRows(bars)), { timeframe: '1m' });
    expect(imported).toEqual(rowsOf(bars));
    expect(summary.findings.map(({ kind }) => kind)).toEqual(['timezone_assumed']);
  });

  test('others get their turn while a file is sorted', async () => {
    const rng = seededRng(4);
    const bars = randomBars(rng, { length: 60_000, timeframe: '1m', volatility: 0.001 });
    const rows = csvRows(bars).toSorted(() => rng.next() - 0.5);
    let turns = 0;
    const timer = setImmediate(function count() {
      turns++;
      ticking = setImmediate(count);
    });
    let ticking = timer;
    await readFile(file(...rows), { timeframe: '1m', chunkBytes: () => 10_000_000 });
    clearImmediate(ticking);
    expect(turns).toBeGreaterThan(60);
  });
});
