import { describe, expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { randomBars } from '#test/support/random-bars';
import { searchSpecificationSchema, type WalkForwardSpecification } from './specification';
import { countWindows, windowsOf } from './windows';

function specification(values: Record<string, unknown>): WalkForwardSpecification {
  const parsed = searchSpecificationSchema.parse({ method: 'walk_forward', ...values });
  if (parsed.method !== 'walk_forward') throw new TypeError('not a walk forward');
  return parsed;
}

/** Daily bars from 2020-01-01, weekends included. */
const days = (length: number) => randomBars(seededRng(1), { length });
const barsOnly = (barCount: number) => ({ barCount, start: null, end: null });
const dates = (start: string, end: string) => ({ barCount: 0, start, end });
const spans = (values: Record<string, unknown>, extent: Parameters<typeof countWindows>[1], length: number) =>
  windowsOf(specification(values), extent, days(length)).map(({ train, test: after }) => [
    train.from,
    train.to,
    after.from,
    after.to,
  ]);

describe('windowsOf() in bars', () => {
  test('rolls, each test after its training, tests adjoining, the last one cut short', () => {
    expect(spans({ train_bars: 100, test_bars: 30 }, barsOnly(175), 175)).toEqual([
      [0, 100, 100, 130],
      [30, 130, 130, 160],
      [60, 160, 160, 175],
    ]);
  });

  test('anchored trains from the first bar, and a gap lies between the parts', () => {
    const values = { train_bars: 100, test_bars: 30, gap_bars: 5, anchored: true };
    expect(spans(values, barsOnly(165), 165)).toEqual([
      [0, 100, 105, 135],
      [0, 130, 135, 165],
    ]);
  });

  test('a last test of one bar is none', () => {
    expect(countWindows(specification({ train_bars: 100, test_bars: 30 }), barsOnly(131))).toBe(1);
    expect(countWindows(specification({ train_bars: 100, test_bars: 30 }), barsOnly(132))).toBe(2);
  });

  test.each([100, 137, 500, 1000])('of %d bars never look ahead, and cover every bar once', (length) => {
    for (const anchored of [false, true]) {
      const values = { train_bars: 40, test_bars: 17, gap_bars: 3, anchored };
      const windows = windowsOf(specification(values), barsOnly(length), days(length));
      let next = 43;
      for (const { train, test: after } of windows) {
        expect(train.to).toBe(after.from - 3);
        expect(after.from).toBe(next);
        next = after.to;
      }
      expect(length - next).toBeLessThanOrEqual(1);
    }
  });
});

describe('windowsOf() in months', () => {
  test('lies between the same days of months', () => {
    const values = { train_months: 2, test_months: 1, gap_bars: 2 };
    // 2020: January 31 days, February 29, March 31, April 30.
    expect(spans(values, dates('2020-01-01', '2020-05-01'), 121)).toEqual([
      [0, 58, 60, 91],
      [31, 89, 91, 121],
    ]);
  });

  test('ends with the data, and starts where the user said, with bars or without', () => {
    const values = { train_months: 2, test_months: 1 };
    expect(spans(values, dates('2019-12-31', '2020-04-10'), 100)).toEqual([
      [0, 59, 59, 90],
      [30, 90, 90, 100],
    ]);
    expect(spans(values, dates('2019-09-01', '2020-01-01'), 10)).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  test('needs both dates', () => {
    const months = specification({ train_months: 2, test_months: 1 });
    expect(() => countWindows(months, barsOnly(1000))).toThrow('the request has no start and end');
  });
});

test('a walk that has nothing to test, or too many windows, is refused', () => {
  const long = specification({ train_bars: 100, test_bars: 30, gap_bars: 10 });
  expect(() => countWindows(long, barsOnly(111))).toThrow(
    'Cannot walk forward: training takes 110 bars, which leaves nothing to test, since there are 111',
  );
  const months = specification({ train_months: 12, test_months: 1 });
  expect(() => countWindows(months, dates('2020-01-01', '2021-01-01'))).toThrow('training takes 12 months');
  const short = specification({ train_bars: 2, test_bars: 2 });
  expect(() => countWindows(short, barsOnly(1_000_000))).toThrow('the limit is 10000');
});

test('searchSpecificationSchema takes lengths of one unit, and no unknown keys', () => {
  const walk = (values: Record<string, unknown>) =>
    searchSpecificationSchema.safeParse({ method: 'walk_forward', ...values }).success;
  expect(walk({ train_bars: 10, test_bars: 5 })).toBeTrue();
  expect(walk({ train_months: 10, test_months: 5, gap_bars: 3, anchored: true })).toBeTrue();
  for (const wrong of [
    {},
    { train_bars: 10 },
    { train_bars: 10, test_months: 5 },
    { train_bars: 10, test_bars: 5, train_months: 1 },
    { train_bars: 10, test_bars: 1 },
    { train_bars: 10, test_bars: 5, gap: 3 },
    { train_bars: 10, test_bars: 5, gap_bars: -3 },
  ]) {
    expect(walk(wrong)).toBeFalse();
  }
  const random = { method: 'random', samples: 10 };
  expect(searchSpecificationSchema.parse(random)).toEqual({ ...random, samples: 10, seed: 1 } as never);
  expect(searchSpecificationSchema.safeParse({ ...random, seed: -1 }).success).toBeFalse();
  expect(searchSpecificationSchema.safeParse({ method: 'genetic' }).success).toBeFalse();
});
