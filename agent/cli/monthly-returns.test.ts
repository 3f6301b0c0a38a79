import { expect, test } from 'bun:test';
import { monthlyReturns } from './monthly-returns';

const point = (day: string, equity: number) => ({ time: `${day}T00:00:00.000Z`, equity });

test('monthlyReturns() compares the last equity of a month with the last before it', () => {
  const years = monthlyReturns([
    point('2019-11-29', 100),
    point('2019-11-30', 110),
    point('2019-12-31', 99),
    point('2020-02-01', 50),
    point('2020-02-29', 198),
  ]);
  expect(years.map(({ year }) => year)).toEqual([2019, 2020]);
  expect(years[0]?.months[10]).toBeCloseTo(0.1, 12);
  expect(years[0]?.months[11]).toBeCloseTo(-0.1, 12);
  expect(years[0]?.total).toBeCloseTo(-0.01, 12);
  // January has no equity: February carries what happened since December.
  expect(years[1]?.months.slice(0, 2)).toEqual([null, 1]);
  expect(years[1]?.total).toBeCloseTo(1, 12);
  expect(years[1]?.months.slice(2)).toEqual(Array.from({ length: 10 }, () => null));
});

test('the months of a year compound to its total', () => {
  const days = Array.from({ length: 700 }, (_, day) => new Date(Date.UTC(2021, 0, 1 + day)).toISOString());
  const points = days.map((time, index) => ({ time, equity: 1000 + 200 * Math.sin(index / 40) }));
  for (const { months, total } of monthlyReturns(points)) {
    const compounded = months.reduce((growth: number, month) => growth * (1 + (month ?? 0)), 1) - 1;
    expect(total).toBeCloseTo(compounded, 10);
  }
});

test('monthlyReturns() of nothing, and of nothing but zero, divides by nothing', () => {
  expect(monthlyReturns([])).toEqual([]);
  expect(monthlyReturns([point('2020-01-01', 0), point('2020-01-02', 0)])[0]?.months[0]).toBeNull();
});
