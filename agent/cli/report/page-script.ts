/**
 * What runs in the page. Charts are data: it fills in the colours of the page's mode for strings such
 * as `$equity`, functions for `$format:percent`, draws, and draws again when mode or width change.
 */
export const PAGE_SCRIPT = `'use strict';
(() => {
  const { charts, palettes } = JSON.parse(document.getElementById('report-data').textContent);
  const number = (digits) => new Intl.NumberFormat('en-US', { maximumFractionDigits: digits });
  const two = number(2);
  const four = number(4);
  const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
  const last = (value) => (Array.isArray(value) ? value[value.length - 1] : value);
  const formats = {
    percent: (value) => (isNumber(last(value)) ? two.format(last(value) * 100) + ' %' : '–'),
    money: (value) => (isNumber(last(value)) ? two.format(last(value)) : '–'),
    ratio: (value) => (isNumber(last(value)) ? four.format(last(value)) : '–'),
    text: (item) => item.data.text || item.name,
  };
  const filled = (value, palette) => {
    if (typeof value === 'string') {
      if (value.startsWith('$format:')) return formats[value.slice(8)] || value;
      return value.startsWith('$') ? palette[value.slice(1)] || value : value;
    }
    if (Array.isArray(value)) return value.map((item) => filled(item, palette));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, palette)]));
  };
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const drawn = new Map();
  const draw = (isDark) => {
    for (const [id, { option, group }] of Object.entries(charts)) {
      const element = document.getElementById(id);
      drawn.get(id)?.dispose();
      const chart = echarts.init(element, null, { renderer: 'svg' });
      chart.setOption(filled(option, isDark ? palettes.dark : palettes.light));
      if (group) chart.group = group;
      drawn.set(id, chart);
    }
    for (const group of new Set(Object.values(charts).map((chart) => chart.group))) {
      if (group) echarts.connect(group);
    }
  };
  draw(dark.matches);
  dark.addEventListener('change', () => draw(dark.matches));
  addEventListener('resize', () => drawn.forEach((chart) => chart.resize()));
  addEventListener('beforeprint', () => draw(false));
  addEventListener('afterprint', () => draw(dark.matches));
})();
`;
