import type { MetricDescription } from '#agent/engine/backtest/metric-table';

/** 5,105 */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** "1.5 GiB": powers of 1024, one decimal. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10));
  return power === 0 ? `${Math.round(value)} B` : `${(value / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** "3 agents", "1 agent"; irregular plurals are given. */
export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** A metric in its unit: fractions as percent, currency with two decimals, a dash where it is undefined. */
export function metricText(
  value: number | null | undefined,
  unit: MetricDescription['unit'] | undefined,
): string {
  if (value === null || value === undefined) return '–';
  switch (unit) {
    case 'fraction':
      return `${(value * 100).toFixed(2)} %`;
    case 'currency':
      return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    case 'count':
      return count(value);
    case 'hours':
      return `${value.toFixed(1)} h`;
    case 'ratio':
    case undefined:
      return Number.isInteger(value) ? String(value) : value.toFixed(4);
  }
}
