import { expect, test } from 'bun:test';
import { clip } from './screen';
import { coloured } from './style';
import { widthOf } from './text';

test('what fits is left alone', () => {
  expect(clip(['one', 'two'], { columns: 3, rows: 2 })).toEqual(['one', 'two']);
});

test('the last line says how many are missing', () => {
  expect(clip(['1', '2', '3', '4'], { columns: 40, rows: 2 })).toEqual(['1', '… 3 more lines below']);
});

test('a line is cut at the right, wide characters and colours included', () => {
  const [cut = ''] = clip([coloured.bad('東京 exchange')], { columns: 6, rows: 5 });
  expect(widthOf(cut)).toBeLessThanOrEqual(6);
  expect(cut).toContain('…');
  expect(cut).toEndWith('\u001b[39m');
});
