import type { Provenance } from '#agent/contract/operation';
import { METRICS } from '#agent/engine/backtest/metric-table';
import { metricText } from '#agent/cli/figures';
import { MONTHS, type YearOfReturns } from '#agent/cli/monthly-returns';
import { escapeHtml } from './escape';

export interface HtmlColumn<Row> {
  header: string;
  cell: (row: Row) => string;
  /** Left-aligned words; the others are figures. */
  isText?: boolean;
  className?: (row: Row) => string;
}

/** A table of escaped texts. */
export function htmlTable<Row>(rows: readonly Row[], columns: ReadonlyArray<HtmlColumn<Row>>): string {
  const heads = columns.map(
    ({ header, isText }) => `<th scope="col"${isText ? ' class="text"' : ''}>${escapeHtml(header)}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = columns.map((column) => {
      const names = [column.isText ? 'text' : '', column.className?.(row) ?? ''].filter(Boolean).join(' ');
      return `<td${names === '' ? '' : ` class="${names}"`}>${escapeHtml(column.cell(row))}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<table>\n<thead><tr>${heads.join('')}</tr></thead>\n<tbody>\n${lines.join('\n')}\n</tbody>\n</table>\n`;
}

export function metricsTable(metrics: Readonly<Record<string, number | null>>): string {
  const known = METRICS.filter(({ name }) => name in metrics);
  return htmlTable(known, [
    { header: 'Metric', cell: ({ name }) => name, isText: true },
    { header: 'Value', cell: ({ name, unit }) => metricText(metrics[name], unit) },
    { header: 'Meaning', cell: ({ description }) => description, isText: true, className: () => 'wrap' },
  ]);
}

/** Signs say it; the shade only repeats it. */
export function monthsTable(years: readonly YearOfReturns[]): string {
  return htmlTable(years, [
    { header: 'Year', cell: ({ year }) => String(year), isText: true },
    ...MONTHS.map((month, index) => ({
      header: month,
      cell: ({ months }: YearOfReturns) => percent(months[index] ?? null),
      className: ({ months }: YearOfReturns) => shade(months[index] ?? null, [0, 0.02, 0.05]),
    })),
    {
      header: 'Year',
      cell: ({ total }) => percent(total),
      className: ({ total }) => shade(total, [0, 0.1, 0.25]),
    },
  ]);
}

/** "+1.2", "−0.4": percent without the sign for percent, as the note above the table says. */
function percent(value: number | null): string {
  if (value === null) return '';
  const text = Math.abs(value * 100).toFixed(1);
  if (text === '0.0') return '0.0';
  return `${value < 0 ? '−' : '+'}${text}`;
}

function shade(value: number | null, bounds: readonly number[]): string {
  if (value === null || Math.abs(value) < 0.0005) return '';
  const step = bounds.filter((bound) => Math.abs(value) >= bound).length;
  return `${value > 0 ? 'gain' : 'loss'}-${step}`;
}

/** Hashes whole: two runs are compared by them. */
export function provenanceTable(rows: ReadonlyArray<readonly [name: string, value: string]>): string {
  return htmlTable(rows, [
    { header: 'What', cell: ([name]) => name, isText: true },
    { header: 'Value', cell: ([, value]) => value, isText: true, className: () => 'hash' },
  ]);
}

export function provenanceRows(provenance: Provenance | null): Array<readonly [name: string, value: string]> {
  if (provenance === null) return [];
  const { version, commit, target } = provenance;
  return [
    ['version', `${version} (${commit}, ${target})`],
    ['agent', provenance.worker_name],
    ['binary sha256', provenance.binary_sha256],
    ['data hash', provenance.data_hash ?? '–'],
    ['parameters sha256', provenance.parameters_sha256],
    ['result sha256', provenance.result_sha256 ?? '–'],
  ];
}
