export interface PlotOptions {
  /** Cells of the whole plot, labels included. */
  width: number;
  /** Lines. */
  height: number;
  /** Text beside the highest, the middle and the lowest line. */
  label: (value: number) => string;
  /** Without it stars on a grid of cells, for terminals without braille. */
  isUnicode: boolean;
}

/**
 * A line plot of values at even distances, with labels at the left. Braille gives each cell two columns
 * and four rows of dots. No colour: the shape is all there is. Empty without values or without room.
 */
export function plot(values: readonly number[], options: PlotOptions): string[] {
  const { width, height, label, isUnicode } = options;
  const finite = values.filter((value) => Number.isFinite(value));
  const low = finite.reduce((least, value) => Math.min(least, value), Infinity);
  const high = finite.reduce((most, value) => Math.max(most, value), -Infinity);
  if (finite.length === 0 || height < 2) return [];
  const labels = labelLines({ low, high, height, label });
  const gutter = Math.max(...labels.map((text) => Bun.stringWidth(text)));
  const cells = width - gutter - 2;
  if (cells < 4) return [];
  const canvas = createCanvas(cells, height, isUnicode);
  draw(canvas, finite, { low, high });
  return canvas.lines().map((line, row) => {
    const text = labels[row] ?? '';
    const edge = isUnicode ? '│' : '|';
    return `${' '.repeat(gutter - Bun.stringWidth(text))}${text} ${edge}${line}`.trimEnd();
  });
}

/** Dots on a grid that is finer than the cells of the terminal. */
interface Canvas {
  columns: number;
  rows: number;
  set(column: number, row: number): void;
  lines(): string[];
}

function draw(canvas: Canvas, values: readonly number[], { low, high }: { low: number; high: number }): void {
  const { columns, rows } = canvas;
  const rowOf = (value: number): number =>
    high === low ? Math.floor(rows / 2) : Math.round(((high - value) / (high - low)) * (rows - 1));
  let before: number | undefined;
  for (let column = 0; column < columns; column++) {
    const [from, to] = stretch(column, columns, values.length);
    // Every value of the stretch that falls into a column is covered: no peak is lost.
    const own = values.slice(from, to).map(rowOf);
    const all = before === undefined ? own : [...own, before];
    for (let row = Math.min(...all); row <= Math.max(...all); row++) canvas.set(column, row);
    before = own.at(-1);
  }
}

/** Indices of the values in a column; where there are fewer values than columns, the nearest one. */
function stretch(column: number, columns: number, count: number): [from: number, to: number] {
  const from = Math.min(count - 1, Math.floor((column * count) / columns));
  return [from, Math.max(from + 1, Math.floor(((column + 1) * count) / columns))];
}

const BRAILLE = 0x2800;
/** Bits of the dots of a cell by row and column: https://www.unicode.org/charts/PDF/U2800.pdf */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

function createCanvas(width: number, height: number, isUnicode: boolean): Canvas {
  const [dotColumns, dotRows] = isUnicode ? [2, 4] : [1, 1];
  const bits = new Uint8Array(width * height);
  return {
    columns: width * dotColumns,
    rows: height * dotRows,
    set(column, row) {
      const cell = Math.floor(row / dotRows) * width + Math.floor(column / dotColumns);
      bits[cell] = (bits[cell] ?? 0) | (DOTS[row % dotRows]?.[column % dotColumns] ?? 0);
    },
    lines: () =>
      Array.from({ length: height }, (_, row) => {
        const cells = bits.subarray(row * width, (row + 1) * width);
        return Array.from(cells, (cell) => character(cell, isUnicode)).join('');
      }),
  };
}

function character(cell: number, isUnicode: boolean): string {
  if (cell === 0) return ' ';
  return isUnicode ? String.fromCodePoint(BRAILLE + cell) : '*';
}

function labelLines(scale: {
  low: number;
  high: number;
  height: number;
  label: (value: number) => string;
}): string[] {
  const { low, high, height, label } = scale;
  const lines = Array.from({ length: height }, () => '');
  if (low === high) {
    lines[Math.floor(height / 2)] = label(low);
    return lines;
  }
  const middle = Math.floor((height - 1) / 2);
  lines[middle] = label(high - ((high - low) * middle) / (height - 1));
  lines[0] = label(high);
  lines[height - 1] = label(low);
  return lines;
}
