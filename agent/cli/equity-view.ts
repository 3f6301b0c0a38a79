import type { EquityPoint } from '#agent/contract/backtest';
import { metricText } from './figures';
import { MONTHS, monthlyReturns, type YearOfReturns } from './monthly-returns';
import { isUnicode, type Output } from './output';
import { plot } from './plot';
import type { Shell } from './shell';

const WIDTH_MAX = 100;
const HEIGHT = 10;
/** Narrower, the months have no decimals. */
const WIDTH_OF_DECIMALS = 100;

/** The equity of a backtest as a plot that fits the terminal, and its monthly returns. */
export function showEquity(output: Output, points: readonly EquityPoint[], shell: Shell): void {
  const { columns } = shell.stdout;
  const lines = plot(
    points.map(({ equity }) => equity),
    {
      width: Math.min(WIDTH_MAX, columns ?? WIDTH_MAX),
      height: HEIGHT,
      label: (value) => metricText(Math.round(value), 'count'),
      isUnicode: isUnicode(shell.environment),
    },
  );
  if (lines.length === 0) return;
  const [first, last] = [points[0], points.at(-1)].map((point) => point?.time.slice(0, 10));
  output.line();
  output.line(output.style.bold(`Equity, ${first} to ${last}`));
  for (const line of lines) output.line(line);
  output.line();
  output.line(output.style.bold('Monthly returns in percent'));
  showMonths(output, monthlyReturns(points), columns);
}

function showMonths(output: Output, years: readonly YearOfReturns[], columns: number | undefined): void {
  const digits = columns === undefined || columns >= WIDTH_OF_DECIMALS ? 1 : 0;
  output.table(years, [
    { header: 'YEAR', cell: ({ year }) => String(year) },
    ...MONTHS.map((month, index) => ({
      header: month.toUpperCase(),
      cell: ({ months }: YearOfReturns) => percent(months[index] ?? null, digits),
      align: 'right' as const,
      optional: true,
    })),
    { header: 'ALL', cell: ({ total }) => percent(total, digits), align: 'right' },
  ]);
}

function percent(value: number | null, digits: number): string {
  if (value === null) return '';
  const text = (value * 100).toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}
