import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { MsgpackReader, MsgpackWriter } from './msgpack';

const written = (write: (writer: MsgpackWriter) => void): string => {
  const writer = new MsgpackWriter(1);
  write(writer);
  return Buffer.from(writer.finish()).toString('hex');
};
const reader = (hex: string): MsgpackReader => new MsgpackReader(Buffer.from(hex, 'hex'));
const anything = Number.MAX_SAFE_INTEGER;

describe('MsgpackWriter', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [256, 'cd0100'],
    [65_536, 'ce00010000'],
    [2 ** 32, 'cf0000000100000000'],
    [-1, 'ff'],
    [-33, 'd0df'],
    [-129, 'd1ff7f'],
    [-32_769, 'd2ffff7fff'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
  ])('writes %d as %s', (value, hex) => {
    expect(written((writer) => writer.integer(value))).toBe(hex);
    expect(reader(hex).integer(-anything, anything)).toBe(value);
  });

  test.each([
    [31, 'bf'],
    [32, 'da0020'],
    [65_536, 'db00010000'],
  ])('writes a string of %d bytes as the old raw type', (length, head) => {
    expect(written((writer) => writer.text('x'.repeat(length))).startsWith(head)).toBe(true);
    expect(written((writer) => writer.bytes(new Uint8Array(length))).startsWith(head)).toBe(true);
  });
});

describe('MsgpackReader', () => {
  test('gives back what was written', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.double({ noNaN: true }),
        fc.string({ unit: 'grapheme' }),
        (n, x, text) => {
          const writer = new MsgpackWriter(1);
          writer.integer(n);
          writer.float(x);
          writer.text(text);
          const read = new MsgpackReader(writer.finish());
          expect([read.integer(-anything, anything), read.float(), read.text(10_000)]).toEqual([n, x, text]);
          expect(read.remaining).toBe(0);
        },
      ),
    );
  });

  test.each([
    ['d9026869', 'hi'],
    ['c4026869', 'hi'],
    ['da00026869', 'hi'],
  ])('reads newer kinds of strings: %s', (hex, text) => {
    expect(reader(hex).text(10)).toBe(text);
  });

  test.each([
    'c0',
    'c2',
    '7f',
    'e0',
    'ca00000000',
    'cb0000000000000000',
    'd3ffffffffffffffff',
    'a161',
    'd40161',
    '9201a0',
    '81a16192c0c3',
    'dc0001c0',
    'de0001a161c0',
    'c4020102',
  ])('skips %s', (hex) => {
    const read = reader(`${hex}2a`);
    read.skip();
    expect(read.integer(0, 100)).toBe(42);
  });

  test.each([
    ['an integer out of bounds', '05', 'is not from'],
    ['a 64-bit integer beyond 2^53', 'cfffffffffffffffff', 'beyond 2^53'],
    ['text for an integer', 'a161', 'an integer was expected'],
    ['the end', '', 'a value is missing'],
  ])('integer() refuses %s', (_, hex, why) => {
    expect(() => reader(hex).integer(0, 4)).toThrow(why);
  });

  test('limits are checked before anything is made', () => {
    expect(() => reader('dbffffffff').bytes(100)).toThrow('4294967295 bytes where 100 are allowed');
    expect(() => reader('ddffffffff').array(1_000)).toThrow('4294967295 entries where 1000 are allowed');
    expect(() => reader('dd0000ffff').array(100_000)).toThrow('entries do not follow');
    expect(() => reader('a2fffe').text(10)).toThrow('not UTF-8');
    expect(() => reader('91'.repeat(100)).skip()).toThrow('nested too deeply');
    expect(() => reader(`dd00030000${'c0'.repeat(0x30000)}`).skip()).toThrow('are allowed');
  });
});
