import type { EquityPoint } from '#agent/contract/backtest';

export interface YearOfReturns {
  year: number;
  /** January first, as fractions; null where the backtest has no equity in the month. */
  months: Array<number | null>;
  total: number;
}

export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Returns of calendar months and years (UTC) from equity in order of time: the last equity of a month
 * over the last before it. The first month starts from the first equity.
 */
export function monthlyReturns(points: readonly EquityPoint[]): YearOfReturns[] {
  const years: YearOfReturns[] = [];
  let before = points[0]?.equity ?? 0;
  let yearBefore = before;
  for (const [index, point] of points.entries()) {
    const month = point.time.slice(0, 7);
    if (points[index + 1]?.time.slice(0, 7) === month) continue;
    const year = Number(month.slice(0, 4));
    if (years.at(-1)?.year !== year) {
      years.push({ year, months: Array.from({ length: 12 }, () => null), total: 0 });
      yearBefore = before;
    }
    const current = years.at(-1);
    if (current === undefined) continue;
    current.months[Number(month.slice(5)) - 1] = before === 0 ? null : point.equity / before - 1;
    current.total = yearBefore === 0 ? 0 : point.equity / yearBefore - 1;
    before = point.equity;
  }
  return years;
}
