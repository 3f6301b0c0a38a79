import type { StitchedTests, WindowChoice } from '#agent/contract/search-result';
import { AXIS, BASE, LEGEND, timeChart, timeLine, TOOLTIP } from './axes';
import type { Chart, ChartOption } from './page';

/** A strip a window: where it was trained, and where it was tested, with the sign of the test's return. */
export function stripsChart(windows: readonly WindowChoice[]): Chart {
  const won = windows.filter(({ test }) => (test['total_return_pct'] ?? 0) > 0);
  const lost = windows.filter(({ test }) => (test['total_return_pct'] ?? 0) <= 0);
  const series = [
    strips('Training', windows, { part: 'train', colour: '$train', width: 5 }),
    strips('Test with profit', won, { part: 'test', colour: '$gain', width: 11 }),
    strips('Test without profit', lost, { part: 'test', colour: '$loss', width: 11, isDashed: true }),
  ];
  const option: ChartOption = {
    ...BASE,
    legend: LEGEND,
    grid: { left: 76, right: 24, top: 40, bottom: 32 },
    tooltip: { ...TOOLTIP, formatter: '$format:text' },
    xAxis: { type: 'time', ...AXIS },
    yAxis: {
      type: 'category',
      name: 'window',
      nameLocation: 'start',
      inverse: true,
      data: windows.map(({ window }) => String(window + 1)),
      ...AXIS,
    },
    series,
  };
  return { id: 'chart-strips', option, ...(windows.length > 16 ? { height: 'high' as const } : {}) };
}

/** The tests one after the other: what somebody would have had who chose as the windows did. */
export function stitchedChart({ equity }: StitchedTests): Chart {
  const points = equity.time_ms.map((timeMs, index): [number, number] => [timeMs, equity.equity[index] ?? 1]);
  const line = timeLine({ name: 'Out of sample', points, colour: '$equity' });
  return {
    id: 'chart-stitched',
    option: timeChart({ series: [line], format: 'money', name: 'Growth of 1' }),
  };
}

interface Strip {
  part: 'train' | 'test';
  colour: string;
  width: number;
  isDashed?: boolean;
}

/** Each strip is a thick line; a gap between two of them ends the line. */
function strips(name: string, windows: readonly WindowChoice[], strip: Strip): ChartOption {
  const { part, colour, width, isDashed = false } = strip;
  const data = windows.flatMap((choice) => {
    const { from_ms: from, to_ms: to } = choice[part];
    if (typeof from !== 'number' || typeof to !== 'number') return [];
    const row = String(choice.window + 1);
    const text = describe(choice, part);
    return [
      { value: [from, row], text },
      { value: [to, row], text },
      { value: ['-', row], text },
    ];
  });
  return {
    type: 'line',
    name,
    data,
    symbol: 'rect',
    symbolSize: [2, width],
    itemStyle: { color: colour },
    lineStyle: { color: colour, width, type: isDashed ? [4, 2] : 'solid' },
  };
}

function describe(choice: WindowChoice, part: 'train' | 'test'): string {
  const value = choice[part]['total_return_pct'];
  const words = part === 'train' ? 'training' : 'test';
  const shown = typeof value === 'number' ? `${(value * 100).toFixed(1)} %` : 'no bars';
  return `Window ${choice.window + 1}, ${words}: ${shown}`;
}
