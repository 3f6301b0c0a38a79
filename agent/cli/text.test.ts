import { expect, test } from 'bun:test';
import { fold, pad, printable, truncate, widthOf, wrap } from './text';

test('foreign text cannot command the terminal', () => {
  expect(printable('a\u001b[31mred\u001b[0m')).toBe('ared');
  expect(printable('a\u001b]0;title\u0007b')).not.toContain('\u001b');
  expect(printable('one\ntwo\tthree\r')).toBe('one two three ');
  expect(printable('\u202egnp.exe')).toBe('\u{fffd}gnp.exe');
  expect(printable('Ünïcode 日本')).toBe('Ünïcode 日本');
});

test('a cut text has at most its width, whatever its characters', () => {
  expect(truncate('operation', 20)).toBe('operation');
  expect(truncate('operation', 5)).toBe('oper…');
  expect(truncate('op_sweep_1a2b3c4d', 9, 'middle')).toBe('op_s…3c4d');
  expect(truncate('日本語日本語', 5)).toBe('日本…');
  for (let width = 0; width < 12; width++) {
    for (const text of ['日本語日本語', 'abcdefghijklmnop', 'e\u0301e\u0301e\u0301e\u0301e\u0301']) {
      expect(widthOf(truncate(text, width, 'middle'))).toBeLessThanOrEqual(width);
      expect(widthOf(truncate(text, width))).toBeLessThanOrEqual(width);
    }
  }
});

test('words wrap, and a word that is too long is broken', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  expect(wrap('abcdefghij k', 4)).toEqual(['abcd', 'efgh', 'ij k']);
  expect(wrap('', 4)).toEqual(['']);
});

test('padding counts cells, not characters', () => {
  expect(pad('日', 4)).toBe('日  ');
  expect(pad('7', 3, 'right')).toBe('  7');
});

test('a long line goes on below itself', () => {
  expect(fold('short', 20)).toEqual(['short']);
  expect(fold('as wide as a pipe, where nothing is cut', undefined)).toHaveLength(1);
  expect(fold('  - one two three four five six', 24)).toEqual(['  - one two three four', '    five six']);
  expect(fold('one two three four five six seven', 24, 'hint: ')).toEqual([
    'hint: one two three four',
    '      five six seven',
  ]);
  // A path that is broken can no longer be copied.
  expect(fold('/a/very/long/path/that/fits/nowhere', 20)).toEqual(['/a/very/long/path/that/fits/nowhere']);
});

test('colours do not count, and stay', () => {
  const [first = '', second = ''] = fold('\u001b[31mone two three four five six\u001b[39m', 20);
  expect([Bun.stripANSI(first), Bun.stripANSI(second)]).toEqual(['one two three four', 'five six']);
  expect(first).toEndWith('\u001b[39m');
  expect(second).toStartWith('\u001b[31m');
});
