import { plain, type Style } from './style';
import { pad, printable, truncate, widthOf, wrap } from './text';

export interface Column<Row> {
  header: string;
  cell: (row: Row) => string;
  align?: 'left' | 'right';
  /** The least width to which the column may be cut; without it the column is never cut. */
  widthMin?: number;
  /** What a cell that is too long does: lose its end (the default) or its middle, or go on in the next line. */
  overflow?: 'end' | 'middle' | 'wrap';
  /** Left out, last one first, when the table is too wide even with every column cut. */
  optional?: boolean;
  /** Colours a finished cell, whose width must stay. */
  paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  /** Cells of the terminal; undefined for a pipe, where nothing is cut. */
  width: number | undefined;
  style?: Style;
}

/** Lines of a table that fits the terminal: columns are cut to their least width, then left out. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: ReadonlyArray<Column<Row>>,
  { width, style = plain }: TableOptions,
): string[] {
  const filled = columns.map((column) => fill(column, rows));
  const shown = width === undefined ? filled : fit(filled, width);
  const header = joined(shown.map((column) => pad(column.header, column.width, column.align)));
  return [style.bold(header), ...rows.flatMap((row, index) => rowLines(shown, row, index))];
}

function rowLines<Row>(columns: ReadonlyArray<Filled<Row>>, row: Row, index: number): string[] {
  const cells = columns.map((column) => cellLines(column, column.cells[index] ?? ''));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    joined(
      columns.map((column, position) => {
        const text = pad(cells[position]?.[line] ?? '', column.width, column.align);
        return column.paint === undefined ? text : column.paint(text, row);
      }),
    ),
  );
}

function cellLines<Row>({ width, overflow = 'end' }: Filled<Row>, text: string): string[] {
  return overflow === 'wrap' ? wrap(text, width) : [truncate(text, width, overflow)];
}

function joined(cells: readonly string[]): string {
  return cells.join(GAP).trimEnd();
}

const GAP = '  ';

interface Filled<Row> extends Column<Row> {
  cells: string[];
  width: number;
}

function fill<Row>(column: Column<Row>, rows: readonly Row[]): Filled<Row> {
  const cells = rows.map((row) => printable(column.cell(row)));
  return { ...column, cells, width: Math.max(widthOf(column.header), ...cells.map(widthOf)) };
}

function fit<Row>(columns: ReadonlyArray<Filled<Row>>, width: number): Array<Filled<Row>> {
  const least = columns.map((column) => ({ ...column, width: leastWidth(column) }));
  const spare = columns.findLastIndex((column) => column.optional);
  if (total(least) > width && spare >= 0) return fit(columns.toSpliced(spare, 1), width);
  return shrink(columns, width);
}

/** Cuts the widest column first, so that all long ones end up equally long. */
function shrink<Row>(columns: ReadonlyArray<Filled<Row>>, width: number): Array<Filled<Row>> {
  const shrunk = columns.map((column) => ({ ...column }));
  for (let excess = total(shrunk) - width; excess > 0; excess--) {
    const cuttable = shrunk.filter((column) => column.width > leastWidth(column));
    const widest = cuttable.toSorted((left, right) => right.width - left.width)[0];
    if (widest === undefined) break;
    widest.width--;
  }
  return shrunk;
}

function leastWidth<Row>(column: Filled<Row>): number {
  if (column.widthMin === undefined) return column.width;
  return Math.min(column.width, Math.max(column.widthMin, widthOf(column.header)));
}

function total<Row>(columns: ReadonlyArray<Filled<Row>>): number {
  return columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
}
