import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { refusalOf } from './refusal';
import { createZone } from './zone';

const refuse = refusalOf('AAPL', '1m');
const us = (iso: string): number => Date.parse(iso) * 1000;
const inZone = (name: string, local: string, previousUs = -Infinity): [string, string] => {
  const { utcUs, kind } = createZone(name, refuse).toUtc(us(`${local}Z`), previousUs);
  return [new Date(utcUs / 1000).toISOString().slice(0, 16), kind];
};

describe('toUtc()', () => {
  test.each([
    ['UTC', '2020-06-01T12:00', '2020-06-01T12:00', 'exact'],
    ['America/New_York', '2020-01-31T09:30', '2020-01-31T14:30', 'exact'],
    ['America/New_York', '2020-06-01T09:30', '2020-06-01T13:30', 'exact'],
    ['Asia/Tokyo', '2020-06-01T09:00', '2020-06-01T00:00', 'exact'],
    ['Asia/Kolkata', '2020-06-01T09:15', '2020-06-01T03:45', 'exact'],
    ['+02:00', '2020-06-01T09:00', '2020-06-01T07:00', 'exact'],
    // On days of change, before and after it.
    ['America/New_York', '2020-03-08T01:59', '2020-03-08T06:59', 'exact'],
    ['America/New_York', '2020-03-08T03:00', '2020-03-08T07:00', 'exact'],
    ['America/New_York', '2020-11-01T00:59', '2020-11-01T04:59', 'exact'],
    ['America/New_York', '2020-11-01T02:00', '2020-11-01T07:00', 'exact'],
    ['America/New_York', '2020-03-08T02:30', '2020-03-08T07:30', 'skipped'],
    ['America/New_York', '2020-11-01T01:30', '2020-11-01T05:30', 'twice'],
    // Half an hour only, and on the other side of the year.
    ['Australia/Lord_Howe', '2020-04-05T01:45', '2020-04-04T14:45', 'twice'],
  ])('%s: %s is %s (%s)', (name, local, utc, kind) => {
    expect(inZone(name, local)).toEqual([utc, kind] as [string, string]);
  });

  test('an hour shown twice is the second one once the first has passed', () => {
    expect(inZone('America/New_York', '2020-11-01T01:00', us('2020-11-01T05:59Z'))).toEqual([
      '2020-11-01T06:00',
      'twice',
    ]);
  });

  test('any UTC time, shown on a local clock, comes back unless the clock shows it twice', () => {
    const zones = ['America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/Sao_Paulo'];
    const known = new Map(zones.map((name) => [name, createZone(name, refuse)]));
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 1_800_000_000 }),
        (name, utcSeconds) => {
          const instant = Temporal.Instant.fromEpochMilliseconds(utcSeconds * 1000);
          const local = instant.toZonedDateTimeISO(name).toPlainDateTime().toZonedDateTime('UTC');
          const resolved = known.get(name)?.toUtc(local.epochMilliseconds * 1000, -Infinity);
          expect(resolved?.kind).not.toBe('skipped');
          if (resolved?.kind === 'exact') expect(resolved.utcUs).toBe(utcSeconds * 1e6);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test.each([
  ['New York', 'America/New_York'],
  ['Europe/Berln', 'Europe/Berlin'],
  ['tokyo', 'Asia/Tokyo'],
])('createZone(%p) is refused and suggests %s', (name, meant) => {
  expect(() => createZone(name, refuse)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      message: `Cannot import AAPL 1m: "${name}" is not a time zone`,
      hint: expect.stringContaining(`did you mean ${meant}?`),
    }),
  );
});
