import { describe, expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { seededRng } from '#agent/kit/rng';
import { randomBars } from '#test/support/random-bars';
import { importBars } from './import-bars';
import { csvRows, day, file, HEADER, readFile, refusalOfFile, rowsOf } from '#test/support/import-file';
import type { ReadOptions } from '#test/support/import-file';

describe('what it refuses', () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
  test.each<[string, string | Uint8Array, string, string]>([
    ['nothing', '', 'it is empty', 'header'],
    ['blank lines', '\n \n', 'it is empty', 'header'],
    ['a header alone', `${HEADER}\n`, 'it has a header but no rows', 'row'],
    [
      'no header',
      `${day('2020-01-02')}\n`,
      'line 1 is not a header: "2020-01-02,10,11,9,10,100"',
      'date,open,high',
    ],
    ['prose', 'Dear Sir\n', 'line 1 is not a header: "Dear Sir"', 'date,open,high'],
    ['no volume', 'date,open,high,low,close\n', 'line 1 names no column volume', 'date,open,high'],
    [
      'a misspelt column',
      'date,open,high,low,clsoe,volume\n',
      'line 1 names no column close; is it "clsoe"?',
      'date,',
    ],
    ['no time', 'open,high,low,close,volume\n', 'line 1 names no column date', 'date,open'],
    [
      'a column twice',
      'date,open,high,low,close,close,volume\n',
      'line 1 names two columns "close"',
      'keep one',
    ],
    [
      'a short row',
      file(day('2020-01-02'), '2020-01-03,1,2'),
      'line 3 has 3 fields where the header has 6',
      'line',
    ],
    ['a long row', file(`${day('2020-01-02')},7`), 'line 2 has 7 fields where the header has 6', 'line'],
    ['a word', file('2020-01-02,10,11,9,abc,1'), 'line 2, column close: "abc" is not a number', 'correct'],
    ['an empty field', file('2020-01-02,10,11,,10,1'), 'line 2, column low: it is empty', 'correct'],
    [
      'hexadecimal',
      file('2020-01-02,10,11,9,10,0x10'),
      'line 2, column volume: "0x10" is not a number',
      'correct',
    ],
    [
      'a decimal comma',
      `${HEADER.replaceAll(',', ';')}\n2020-01-02;1,5;2;1;2;1\n`,
      'line 2, column open: "1,5" is not a number',
      'point',
    ],
    ['a bad time', file(day('01/02/2020')), 'line 2, column time: "01/02/2020" is not a time', '2020-01-31'],
    ['no such day', file(day('2020-02-30')), 'line 2, column time: "2020-02-30" is not a time', '2020-01-31'],
    [
      'an open quote',
      file(day('2020-01-02'), '"2020-01-03,1,2,3,4,5'),
      'line 3 has a quote that is not closed',
      'quote',
    ],
    [
      'a field of two lines',
      file('"2020-01-02\n",1,2,3,4,5'),
      'line 2 has a quote that is not closed',
      'quote',
    ],
    [
      'a stray quote',
      file(day('2020-01-02'), '2020-01-03,1"2,2,3,4,5'),
      'line 3 has a quote in the middle of a field',
      'quote',
    ],
    ['a zip archive', bytes(0x50, 0x4b, 3, 4, 0, 0), 'it is a zip archive or a spreadsheet, not CSV', 'CSV'],
    ['gzip', bytes(0x1f, 0x8b, 8, 0), 'it is compressed with gzip, not CSV', 'gunzip'],
    ['noise', bytes(7, 0, 200, 10, 3), 'it is binary, not CSV', 'date,open'],
    ['a long line', `${HEADER}\n${'9'.repeat(70_000)}\n`, 'line 2 is longer than 64 KiB', 'line feed'],
    ['a line without end', '9'.repeat(200_000), 'line 1 is longer than 64 KiB', 'line feed'],
    [
      'rows that contradict',
      file(day('2020-01-02'), day('2020-01-03'), day('2020-01-02', 11)),
      '1 row contradicts another row of the same time: line 4 (2020-01-02) contradicts line 2: open 11 against 10',
      'remove one',
    ],
  ])('%s', async (_, content, state, hint) => {
    for (const onBad of ['reject', 'keep'] as const) {
      for (const size of [1, 7, 65_536, 1_000_000]) {
        if (content.length > 1000 && size < 1000) continue;
        const fault = await refusalOfFile(content, { onBad, chunkBytes: () => size });
        expect(fault).toMatchObject({ code: 'invalid', message: `Cannot import AAPL 1d: ${state}` });
        expect(fault.hint).toContain(hint);
      }
    }
  });

  test('an unknown zone, before a byte is read', async () => {
    const fault = await refusalOfFile('', { timezone: 'America/Nw_York' });
    expect(fault.message).toBe('Cannot import AAPL 1d: "America/Nw_York" is not a time zone');
  });

  test('a row that is late by more than the rows held', async () => {
    const bars = randomBars(seededRng(5), { length: 10_000, timeframe: '1m', volatility: 0.001 });
    const [first = '', ...rows] = csvRows(bars);
    const options: ReadOptions = { timeframe: '1m', heldRowsMax: 1000, chunkBytes: () => 5000 };
    const fault = await refusalOfFile(file(...rows, first), options);
    expect(fault.message).toBe('Cannot import AAPL 1m: line 10001 is out of order by more than 500 rows');
    expect(fault.hint).toContain('sort');
    const near = [...rows.slice(0, 300), first, ...rows.slice(300)];
    expect((await readFile(file(...near), options)).bars).toEqual(rowsOf(bars));
  });

  test('what the source throws comes through', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode(file(day('2020-01-02')));
      await Promise.resolve();
      throw new Fault('too_large', 'Cannot read the body: it is too large');
    }
    const reader = importBars(broken(), { symbol: 'AAPL', timeframe: '1d', onBad: 'keep' });
    await expect(reader.next()).rejects.toMatchObject({ code: 'too_large' });
  });
});
