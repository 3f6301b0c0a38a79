import { expect, test } from 'bun:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { parseBlock } from './csv-block';
import type { LineBlock } from './line-blocks';
import { refusalOf } from './refusal';

const refuse = refusalOf('AAPL', '1d');

function blockOf(text: string): LineBlock {
  const lineCount = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return { bytes: new TextEncoder().encode(text), firstLine: 1, lineCount };
}

test('parseBlock() cuts plain lines as csv-parse does', () => {
  const cell = fc.string({ unit: fc.constantFrom('1', '.', ' ', 'x', '-', 'é'), maxLength: 5 });
  const line = fc.array(cell, { minLength: 1, maxLength: 4 }).map((cells) => cells.join(','));
  const ends = fc.constantFrom('\n', '\r\n');
  fc.assert(
    fc.property(fc.array(fc.tuple(line, ends), { minLength: 1 }), fc.boolean(), (lines, closed) => {
      const text = lines.map(([content, end]) => content + end).join('');
      const shown = closed ? text : `${text}1,2`;
      expect(parseBlock(blockOf(shown), ',', refuse)).toEqual(
        parse(shown, { record_delimiter: ['\r\n', '\n'], relax_column_count: true }),
      );
    }),
  );
});

test('parseBlock() leaves quotes to csv-parse', () => {
  expect(parseBlock(blockOf('1,2\n"a, ""b""",3\r\n\n'), ',', refuse)).toEqual([
    ['1', '2'],
    ['a, "b"', '3'],
    [''],
  ]);
});
