import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { compressLzw, decompressLzw } from './lzw';

const LIMIT = 2 ** 20;

test.each([
  ['nothing', new Uint8Array(0)],
  ['one byte', Uint8Array.of(7)],
  ['zeros', new Uint8Array(100_000)],
  [
    'text that fills the table several times',
    Buffer.from(Array.from({ length: 20_000 }, (_, i) => `n${i * i}`).join()),
  ],
])('decompressLzw() gives back %s', (_, data) => {
  expect(Buffer.compare(decompressLzw(compressLzw(data), LIMIT), data)).toBe(0);
});

test('decompressLzw() gives back anything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.integer({ min: 1, max: 8 }), (data, bits) => {
      const narrow = data.map((byte) => byte & ((1 << bits) - 1));
      expect(Buffer.compare(decompressLzw(compressLzw(narrow), LIMIT), narrow)).toBe(0);
    }),
  );
});

/** Vectors: `lzw.NewWriter(w, lzw.LSB, 8)` of Go 1.26. */
test.each([
  ['', '000302'],
  ['aaaaaaaa', '00c3081c283020'],
  ['TOBEORNOTTOBEORTOBEORNOT', '00a93c1152e48914274fa80824687061c183090302'],
])('compressLzw(%j) writes what Go writes', (text, hex) => {
  expect(Buffer.from(compressLzw(Buffer.from(text))).toString('hex')).toBe(hex);
});

test('decompressLzw() refuses what is no compressed data', () => {
  expect(() => decompressLzw(Uint8Array.of(0xff, 0xff, 0xff), LIMIT)).toThrow('means nothing yet');
  expect(() => decompressLzw(new Uint8Array(0), LIMIT)).toThrow('has no end');
  expect(() => decompressLzw(compressLzw(new Uint8Array(1_000)), 999)).toThrow('more than 999 bytes');
});
