import { AXIS, BASE, TOOLTIP } from './axes';
import type { ChartOption } from './page';
import { CIVIDIS } from './palette';

/** A unit of a sweep as a chart needs it. Values of parameters are text, whatever they were. */
export interface SweepUnit {
  parameters: Readonly<Record<string, string>>;
  /** The metric that is shown; null where it is undefined. */
  value: number | null;
  sharpe: number | null;
}

/** How units that share a cell become its value: the best of them, or their mean over the windows. */
export type CellValue = 'highest' | 'lowest' | 'mean';

/** Parameters that take more than one value, those with the most values first, then by name. */
export function sweptParameters(units: readonly SweepUnit[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const { parameters } of units) {
    for (const [name, value] of Object.entries(parameters)) {
      const known = values.get(name) ?? new Set();
      values.set(name, known.add(value));
    }
  }
  return [...values]
    .filter(([, known]) => known.size > 1)
    .toSorted(([a, left], [b, right]) => right.size - left.size || a.localeCompare(b))
    .map(([name]) => name);
}

export interface HeatMapRequest {
  x: string;
  y: string;
  metric: string;
  cell: CellValue;
}

/** The metric over two parameters; where no unit has it the cell stays empty. */
export function heatMapOption(
  units: readonly SweepUnit[],
  { x, y, metric, cell }: HeatMapRequest,
): ChartOption {
  const columns = ordered(units.map((unit) => unit.parameters[x] ?? ''));
  const rows = ordered(units.map((unit) => unit.parameters[y] ?? ''));
  const cells = cellsOf(units, {
    keyOf: ({ parameters }) => JSON.stringify([parameters[x] ?? '', parameters[y] ?? '']),
    cell,
  });
  const columnAt = new Map(columns.map((value, index) => [value, index]));
  const rowAt = new Map(rows.map((value, index) => [value, index]));
  const data: Array<{ value: [number, number, number]; name: string }> = [];
  for (const [key, value] of cells) {
    const [column, row] = pairOf(key);
    data.push({
      value: [columnAt.get(column) ?? 0, rowAt.get(row) ?? 0, rounded(value)],
      name: `${x} ${column}, ${y} ${row}: ${rounded(value)}`,
    });
  }
  const values = data.map(({ value }) => value[2]);
  return {
    ...BASE,
    grid: { left: 72, right: 130, top: 24, bottom: 56 },
    tooltip: { ...TOOLTIP, formatter: '{b}' },
    xAxis: { type: 'category', data: columns, name: x, nameLocation: 'middle', nameGap: 32, ...CATEGORY },
    yAxis: {
      type: 'category',
      data: rows,
      name: y,
      ...CATEGORY,
      axisLabel: { color: '$muted', interval: Math.ceil(rows.length / ROW_LABELS_MAX) - 1 },
    },
    visualMap: {
      min: values.reduce((low, value) => Math.min(low, value), Infinity),
      max: values.reduce((high, value) => Math.max(high, value), -Infinity),
      precision: 2,
      calculable: true,
      right: 8,
      top: 'center',
      itemHeight: 220,
      text: [metric, ''],
      textStyle: { color: '$text' },
      inRange: { color: CIVIDIS },
    },
    series: [{ type: 'heatmap', data, progressive: 0 }],
  };
}

/** The metric along one parameter, when there is no second one. */
export function profileOption(
  units: readonly SweepUnit[],
  { x, metric, cell }: { x: string; metric: string; cell: CellValue },
): ChartOption {
  const columns = ordered(units.map((unit) => unit.parameters[x] ?? ''));
  const cells = cellsOf(units, { keyOf: (unit) => unit.parameters[x] ?? '', cell });
  const data = columns.map((value) => {
    const found = cells.get(value);
    return found === undefined ? null : rounded(found);
  });
  return {
    ...BASE,
    grid: { left: 72, right: 24, top: 40, bottom: 56 },
    tooltip: { ...TOOLTIP, trigger: 'axis' },
    xAxis: { type: 'category', data: columns, name: x, nameLocation: 'middle', nameGap: 32, ...AXIS },
    yAxis: { type: 'value', scale: true, name: metric, ...AXIS },
    series: [{ type: 'line', name: metric, data, itemStyle: { color: '$equity' }, symbolSize: 6 }],
  };
}

/** Rows of a high chart that can be labelled without overlap. */
const ROW_LABELS_MAX = 28;

const CATEGORY: ChartOption = {
  ...AXIS,
  nameTextStyle: { color: '$muted' },
  splitLine: { show: false },
  axisTick: { show: false },
};

function cellsOf(
  units: readonly SweepUnit[],
  { keyOf, cell }: { keyOf: (unit: SweepUnit) => string; cell: CellValue },
): Map<string, number> {
  const sums = new Map<string, { value: number; count: number }>();
  for (const unit of units) {
    if (unit.value === null) continue;
    const key = keyOf(unit);
    const known = sums.get(key);
    if (known === undefined) sums.set(key, { value: unit.value, count: 1 });
    else {
      known.value = combined(known.value, unit.value, cell);
      known.count++;
    }
  }
  return new Map([...sums].map(([key, { value, count }]) => [key, cell === 'mean' ? value / count : value]));
}

function combined(left: number, right: number, cell: CellValue): number {
  if (cell === 'highest') return Math.max(left, right);
  return cell === 'lowest' ? Math.min(left, right) : left + right;
}

function pairOf(key: string): [string, string] {
  const parsed: unknown = JSON.parse(key);
  const [first, second] = Array.isArray(parsed) ? parsed.map(String) : [];
  return [first ?? '', second ?? ''];
}

/** Numbers by size, words by the alphabet. */
function ordered(values: readonly string[]): string[] {
  const unique = [...new Set(values)];
  const areNumbers = unique.every((value) => value.trim() !== '' && Number.isFinite(Number(value)));
  return areNumbers ? unique.toSorted((a, b) => Number(a) - Number(b)) : unique.toSorted();
}

function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
