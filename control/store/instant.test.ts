import { expect, test } from 'bun:test';
import { instantOfMicros, instantOfPostgres, microsOfInstant } from './instant';

const CASES: [bigint, string][] = [
  [0n, '1970-01-01T00:00:00Z'],
  [1n, '1970-01-01T00:00:00.000001Z'],
  [-1n, '1969-12-31T23:59:59.999999Z'],
  [946_857_600_500_000n, '2000-01-03T00:00:00.5Z'],
  [-2_208_988_800_000_000n, '1900-01-01T00:00:00Z'],
];

test('instantOfMicros() and microsOfInstant() are inverse and exact', () => {
  for (const [micros, instant] of CASES) {
    expect(instantOfMicros(micros)).toBe(instant);
    expect(microsOfInstant(instant)).toBe(micros);
  }
});

test('microsOfInstant() understands offsets and refuses what has none', () => {
  expect(microsOfInstant('2000-01-03T09:30:00.000001-05:00')).toBe(946_909_800_000_001n);
  for (const wrong of ['2000-01-03T00:00:00', 'yesterday', '2000-13-03T00:00:00Z', '']) {
    expect(() => microsOfInstant(wrong)).toThrow('Cannot read the time');
  }
});

test('instantOfPostgres() gives ISO 8601 in UTC', () => {
  expect(instantOfPostgres('2000-01-03 00:00:00+00')).toBe('2000-01-03T00:00:00Z');
  expect(instantOfPostgres('2000-01-03 00:00:00.25+00')).toBe('2000-01-03T00:00:00.25Z');
});
