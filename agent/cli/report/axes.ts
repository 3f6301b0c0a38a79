import type { ChartOption } from './page';

/** What a chart over time has: one look, times in UTC, wheel and slider that zoom. */
export function timeChart(parts: {
  series: ChartOption[];
  format: 'percent' | 'money';
  name: string;
  hasSlider?: boolean;
}): ChartOption {
  const { series, format, name, hasSlider = false } = parts;
  return {
    ...BASE,
    legend: { ...LEGEND, data: series.map((line) => line['name']) },
    grid: { left: 76, right: 24, top: 40, bottom: hasSlider ? 76 : 32 },
    xAxis: { type: 'time', ...AXIS, splitLine: { show: false } },
    yAxis: {
      type: 'value',
      scale: true,
      name,
      ...AXIS,
      axisLabel: { color: '$muted', formatter: `$format:${format}` },
    },
    tooltip: { ...TOOLTIP, trigger: 'axis', valueFormatter: `$format:${format}` },
    dataZoom: [{ type: 'inside' }, ...(hasSlider ? [{ type: 'slider', height: 24, bottom: 12 }] : [])],
    series,
  };
}

/** A line as thin as many points need; dashes, not only the colour, tell a comparison. */
export function timeLine(line: {
  name: string;
  points: ReadonlyArray<readonly [timeMs: number, value: number]>;
  colour: string;
  isDashed?: boolean;
  isFilled?: boolean;
}): ChartOption {
  return {
    type: 'line',
    name: line.name,
    data: line.points,
    symbol: 'none',
    itemStyle: { color: line.colour },
    lineStyle: { color: line.colour, width: 1.5, type: line.isDashed ? 'dashed' : 'solid' },
    ...(line.isFilled ? { areaStyle: { color: line.colour, opacity: 0.18 } } : {}),
  };
}

export const TOOLTIP: ChartOption = {
  // Drawn, not HTML: no text of a symbol or a parameter ever becomes markup.
  renderMode: 'richText',
  backgroundColor: '$surface',
  borderColor: '$faint',
  textStyle: { color: '$text' },
};

export const AXIS: ChartOption = {
  nameTextStyle: { color: '$muted', align: 'left' },
  axisLine: { lineStyle: { color: '$muted' } },
  axisLabel: { color: '$muted' },
  splitLine: { lineStyle: { color: '$faint' } },
};

export const LEGEND: ChartOption = { top: 4, right: 16, textStyle: { color: '$text' } };

export const BASE: ChartOption = {
  useUTC: true,
  animation: false,
  textStyle: { fontFamily: 'system-ui, sans-serif' },
};
