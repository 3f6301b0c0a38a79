import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalJson, canonicalSha256 } from './canonical-json';

test('canonicalJson() sorts keys at every depth and keeps the order of lists', () => {
  expect(canonicalJson({ b: [{ z: 1, a: 2 }, 3], a: null })).toBe('{"a":null,"b":[{"a":2,"z":1},3]}');
});

test('canonicalJson() gives one text for a value whatever order its keys were written in', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      // -0 is the one value that JSON itself forgets.
      expect(JSON.stringify(JSON.parse(text))).toEqual(JSON.stringify(JSON.parse(canonicalJson(value))));
    }),
  );
});

test('canonicalSha256() is the SHA-256 of those bytes', () => {
  expect(canonicalSha256({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
});

describe('canonicalJson() refuses what JSON cannot say, and names where', () => {
  const refused: [unknown, string][] = [
    [{ metrics: { sharpe: NaN } }, 'Cannot write metrics.sharpe as JSON: it is NaN'],
    [{ list: [1, Infinity] }, 'Cannot write list.1 as JSON: it is Infinity'],
    [{ a: undefined }, 'Cannot write a as JSON: it is undefined'],
    [{ a: 1n }, 'Cannot write a as JSON: it is a bigint'],
    [{ at: new Date(0) }, 'Cannot write at as JSON: it is a Date'],
    [new Float64Array(1), 'Cannot write the value as JSON: it is a Float64Array'],
  ];
  for (const [value, message] of refused) {
    test(message, () => expect(() => canonicalJson(value)).toThrow(message));
  }
});
