import { expect, test } from 'bun:test';
import { coloured } from './style';
import { renderTable, type Column } from './table';
import { widthOf } from './text';

interface Row {
  id: string;
  count: number;
  why: string;
}

const columns: Array<Column<Row>> = [
  { header: 'ID', cell: ({ id }) => id },
  { header: 'COUNT', cell: ({ count }) => String(count), align: 'right' },
  { header: 'EXTRA', cell: () => 'something', optional: true },
  { header: 'WHY', cell: ({ why }) => why, widthMin: 10, overflow: 'wrap' },
];
const rows: Row[] = [
  { id: 'op_1', count: 7, why: 'short' },
  { id: 'op_22', count: 1234, why: 'a reason that goes on for a good while' },
];

test('columns are as wide as their widest cell, and nothing is cut in a pipe', () => {
  expect(renderTable(rows, columns, { width: undefined })).toEqual([
    'ID     COUNT  EXTRA      WHY',
    'op_1       7  something  short',
    'op_22   1234  something  a reason that goes on for a good while',
  ]);
});

test('a narrow terminal wraps what may be cut, then leaves out what is optional', () => {
  expect(renderTable(rows, columns, { width: 48 })).toEqual([
    'ID     COUNT  EXTRA      WHY',
    'op_1       7  something  short',
    'op_22   1234  something  a reason that goes on',
    '                         for a good while',
  ]);
  const narrow = renderTable(rows, columns, { width: 30 });
  expect(narrow[0]).toBe('ID     COUNT  WHY');
  expect(narrow.join(' ').replaceAll(/\s+/g, ' ')).toContain('a reason that goes on for a good while');
});

test('every line fits every width that the least widths allow', () => {
  for (let width = 24; width < 80; width++) {
    for (const line of renderTable(rows, columns, { width }))
      expect(widthOf(line)).toBeLessThanOrEqual(width);
  }
});

test('an id is never cut, however narrow the terminal', () => {
  expect(renderTable(rows, columns, { width: 5 })[2]).toContain('op_22');
});

test('a cell of foreign origin stays in its line and its colour', () => {
  const evil = [{ id: 'a\nb\u001b[2J', count: 1, why: '' }];
  const lines = renderTable(evil, columns, { width: undefined, style: coloured });
  expect(lines.length).toBe(2);
  expect(lines[1]).toStartWith('a b ');
  expect(lines[1]).not.toContain('\u001b[2J');
});

test('a table without rows is its header', () => {
  expect(renderTable([], columns, { width: 80 })).toEqual(['ID  COUNT  EXTRA  WHY']);
});
