import { instantOfMicros } from '#control/store/instant';
import type { Table, TableValue } from './table';

/** RFC 4180 with a header, UTF-8, one chunk a part. Numbers are the shortest text of the same double. */
export async function* csvOf<Row>({ columns, parts }: Table<Row>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const line = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;
  yield encoder.encode(line(columns.map(({ name }) => field(name))));
  for await (const rows of parts) {
    const lines = rows.map((row) => line(columns.map(({ value }) => field(value(row)))));
    yield encoder.encode(lines.join(''));
  }
}

/** A missing value is an empty field, an empty text `""`. */
function field(value: TableValue): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return instantOfMicros(value);
  if (value === null) return '';
  const text = String(value);
  const needsQuotes = text === '' || /[",\r\n]/.test(text);
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}
