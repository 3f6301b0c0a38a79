import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createLineSplitter } from './line-splitter';

function split(chunks: readonly Uint8Array[], lineBytesMax = 1_000): [string, boolean][] {
  const lines: [string, boolean][] = [];
  const splitter = createLineSplitter(lineBytesMax, (line, cut) => {
    lines.push([line, cut]);
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('createLineSplitter() gives the same lines wherever the stream was cut', () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '€', '😀', '\n') }), { maxLength: 20 });
  fc.assert(
    fc.property(text, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (parts, sizes) => {
      const whole = bytes(parts.join(''));
      const chunks: Uint8Array[] = [];
      for (let from = 0; from < whole.length;) {
        const size = Number(sizes.next().value);
        chunks.push(whole.subarray(from, from + size));
        from += size;
      }
      expect(split(chunks)).toEqual(split([whole]));
    }),
  );
});

test('createLineSplitter() keeps empty lines, drops carriage returns, and gives a last line without newline', () => {
  expect(split([bytes('a\r\n\nb')])).toEqual([
    ['a', false],
    ['', false],
    ['b', false],
  ]);
  expect(split([bytes('a\n')])).toEqual([['a', false]]);
  expect(split([])).toEqual([]);
});

test('createLineSplitter() cuts a line that is too long and goes on with the next one', () => {
  const long = 'x'.repeat(25);
  expect(split([bytes(long.slice(0, 7)), bytes(`${long.slice(7)}\nok\n`)], 10)).toEqual([
    ['x'.repeat(10), true],
    ['ok', false],
  ]);
  expect(split([bytes(`${'y'.repeat(10)}\n`)], 10)).toEqual([['y'.repeat(10), false]]);
});
