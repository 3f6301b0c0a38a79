import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { backtestExample, sweepExample, walkForwardExample } from '#test/support/report-examples';
import { backtestReport } from './backtest-report';
import { heatMapOption, sweptParameters } from './heat-map';
import { PAGE_SCRIPT } from './page-script';
import { PricePoints } from './price-points';
import { sweepReport } from './sweep-report';
import { thin } from './thin';

/** `UPDATE_GOLDEN=1 bun test agent/cli/report/report.test.ts` writes them anew. */
const GOLDENS = join(import.meta.dirname, '../../../test/golden/report');
const PAGES = [
  ['backtest', backtestReport(backtestExample())],
  ['sweep', sweepReport(sweepExample())],
  ['walk-forward', sweepReport(walkForwardExample())],
] as const;

const dataSchema = z.object({
  charts: z.record(z.string(), z.object({ option: z.looseObject({}), group: z.string().optional() })),
});

interface Script {
  attributes: string;
  text: string;
}

function scriptsOf(html: string): Script[] {
  return [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)].map(([, attributes = '', text = '']) => ({
    attributes,
    text,
  }));
}

function chartsOf(html: string) {
  const data = scriptsOf(html).find(({ attributes }) => attributes.includes('report-data'));
  return dataSchema.parse(JSON.parse(data?.text ?? '')).charts;
}

/** Without library, style and numbers of the charts: what a reader finds where. */
function structureOf(html: string): string {
  const body = html.slice(html.indexOf('<body>'), html.indexOf('<script'));
  const charts = Object.entries(chartsOf(html)).map(([id, { option }]) => {
    const series = z
      .array(z.looseObject({ type: z.string(), name: z.string().optional() }))
      .parse(option['series']);
    return `${id}: ${series.map(({ type, name, data }) => `${type} ${name ?? ''} ${Array.isArray(data) ? data.length : 0}`).join('; ')}`;
  });
  return `${body}\n${charts.join('\n')}\n`;
}

describe.each(PAGES)('the report of a %s', (name, html) => {
  test('has the structure we agreed on', () => {
    const file = join(GOLDENS, `${name}.txt`);
    if (process.env.UPDATE_GOLDEN) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, structureOf(html));
    }
    expect(existsSync(file) ? readFileSync(file, 'utf8') : `no ${file}: run with UPDATE_GOLDEN=1`).toBe(
      structureOf(html),
    );
  });

  test('runs two scripts, those of its policy, and loads nothing', () => {
    const scripts = scriptsOf(html);
    expect(scripts.map(({ attributes }) => attributes)).toEqual([
      ' type="application/json" id="report-data"',
      '',
      '',
    ]);
    expect(scripts[2]?.text).toBe(PAGE_SCRIPT);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    expect(policy).toStartWith("default-src 'none'; script-src 'sha256-");
    expect(policy).not.toContain('unsafe');
    for (const { text } of scripts.slice(1)) {
      expect(policy).toContain(`'sha256-${new Bun.CryptoHasher('sha256').update(text).digest('base64')}'`);
    }
    const outside = html.replace(scripts[1]?.text ?? '', '');
    expect(outside).not.toMatch(/(src|href)\s*=\s*["']?(https?:|\/\/)/);
  });

  test('shows hostile text and never obeys it', () => {
    const outside = html.replace(scriptsOf(html)[1]?.text ?? '', '');
    expect(outside).not.toContain('<img');
    expect(outside).not.toContain('<script>alert');
    expect(outside).toContain('&lt;/script&gt;&lt;script&gt;alert(1)');
    expect(scriptsOf(html)[0]?.text).not.toContain('<');
  });

  test('has an element for each chart and a chart for each element', () => {
    const elements = [...html.matchAll(/<div class="chart[^"]*" id="([^"]*)"/g)].map(([, id]) => id);
    expect(elements.length).toBeGreaterThan(1);
    expect(Object.keys(chartsOf(html))).toEqual(elements.map(String));
  });
});

test('long series are thinned to 5,000 points, and the page says so', () => {
  const html = backtestReport(backtestExample(12_000));
  expect(html).toContain('12,000 bars, thinned to at most 5,000 points for display');
  const equity = chartsOf(html)['chart-equity']?.option['series'];
  expect(z.array(z.object({ data: z.array(z.unknown()) })).parse(equity)[0]?.data).toHaveLength(5_000);
});

test('a sweep without judgement has no verdict', () => {
  const html = sweepReport({ ...sweepExample(), search: null });
  expect(html).not.toContain('class="verdict');
  expect(html).not.toContain('chart-strips');
  expect(html).toContain('chart-heat-map');
});

test('heatMapOption() shows the best of the units that share a cell, and leaves cells without one out', () => {
  const units = [
    { parameters: { fast: '9', slow: '20', kind: 'a' }, value: 1, sharpe: 1 },
    { parameters: { fast: '9', slow: '20', kind: 'b' }, value: 3, sharpe: 3 },
    { parameters: { fast: '10', slow: '20', kind: 'a' }, value: null, sharpe: null },
    { parameters: { fast: '10', slow: '30', kind: 'a' }, value: -1, sharpe: -1 },
    { parameters: { fast: '11', slow: '30', kind: 'a' }, value: 0, sharpe: -1 },
  ];
  expect(sweptParameters(units)).toEqual(['fast', 'kind', 'slow']);
  const request = { x: 'fast', y: 'slow', metric: 'm' } as const;
  const cells = (cell: 'highest' | 'lowest' | 'mean') => {
    const series = heatMapOption(units, { ...request, cell })['series'];
    return z.array(z.object({ data: z.array(z.object({ value: z.array(z.number()) })) })).parse(series)[0]
      ?.data;
  };
  expect(cells('highest')?.map(({ value }) => value)).toEqual([
    [0, 0, 3],
    [1, 1, -1],
    [2, 1, 0],
  ]);
  expect(cells('lowest')?.[0]?.value).toEqual([0, 0, 1]);
  expect(cells('mean')?.[0]?.value).toEqual([0, 0, 2]);
});

test.each([1, 2, 10, 11, 999, 100_000])(
  'PricePoints keeps few of %d closes, the ends among them',
  (count) => {
    const points = new PricePoints(10);
    for (let index = 0; index < count; index++) points.add({ timeMs: index, close: index });
    const kept = points.points();
    expect(kept.length).toBeLessThanOrEqual(11);
    expect([kept[0]?.timeMs, kept.at(-1)?.timeMs]).toEqual([0, count - 1]);
    expect(kept.map(({ timeMs }) => timeMs)).toEqual(
      kept.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b),
    );
    expect(points.barCount).toBe(count);
  },
);

test('thin() keeps what is picked of each stretch', () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  expect(thin(items, 4)).toEqual([24, 49, 74, 99]);
  expect(thin(items, 4, (stretch) => stretch[0])).toEqual([0, 25, 50, 75]);
  expect(thin([1, 2], 4)).toEqual([1, 2]);
});
