import libraryPath from 'echarts/dist/echarts.min.js' with { type: 'file' };
import { readFileSync } from 'node:fs';
import styleText from './page.css' with { type: 'text' };
import { escapeHtml, jsonInScript } from './escape';
import { PAGE_SCRIPT } from './page-script';
import { PALETTES } from './palette';

/** An ECharts option as JSON; `$name` is a colour of the palette, `$format:name` a format of the page. */
export type ChartOption = Record<string, unknown>;

export interface Chart {
  /** Id of its element. */
  id: string;
  option: ChartOption;
  /** Charts of a group zoom and point together. */
  group?: string;
  height?: 'low' | 'high';
}

export interface Section {
  title: string;
  /** One sentence below the title: what to see, and what is left out. */
  note?: string;
  chart?: Chart;
  /** Markup, whose texts are escaped already. */
  html?: string;
}

export interface Page {
  title: string;
  subtitle: string;
  verdict?: { text: string; isEvidence: boolean };
  figures: ReadonlyArray<readonly [name: string, value: string]>;
  sections: readonly Section[];
  footer: string;
}

/**
 * One HTML file that needs no network and no server. Its policy lets run only the two scripts in it, by
 * their hashes, and load nothing at all: data can be shown, never executed.
 */
export function renderPage(page: Page): string {
  const charts = page.sections.flatMap(({ chart }) => chart ?? []);
  const data = {
    palettes: PALETTES,
    charts: Object.fromEntries(charts.map(({ id, option, group }) => [id, { option, group }])),
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)}</title>
<style>${styleText}</style>
</head>
<body>
<header>
<h1>${escapeHtml(page.title)}</h1>
<p class="subtitle">${escapeHtml(page.subtitle)}</p>
${verdict(page)}</header>
<dl class="figures">
${page.figures.map(([name, value]) => `<div class="figure"><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join('\n')}
</dl>
${page.sections.map(section).join('\n')}
<footer>${escapeHtml(page.footer)}</footer>
<noscript><p class="note">The charts need JavaScript; tables and figures do not.</p></noscript>
<script type="application/json" id="report-data">${jsonInScript(data)}</script>
<script>${readFileSync(libraryPath, 'utf8')}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function verdict({ verdict: judged }: Page): string {
  if (judged === undefined) return '';
  const kind = judged.isEvidence ? ' is-evidence' : '';
  return `<p class="verdict${kind}">${escapeHtml(judged.text)}</p>\n`;
}

function section({ title, note, chart, html = '' }: Section): string {
  const described = note === undefined ? '' : `<p class="note">${escapeHtml(note)}</p>\n`;
  const drawing =
    chart === undefined
      ? ''
      : `<div class="chart${chart.height === undefined ? '' : ` ${chart.height}`}" id="${chart.id}" role="img" aria-label="${escapeHtml(title)}"></div>\n`;
  return `<section>\n<h2>${escapeHtml(title)}</h2>\n${described}${drawing}${html}</section>`;
}

function policy(): string {
  const scripts = [readFileSync(libraryPath, 'utf8'), PAGE_SCRIPT].map(sourceHash).join(' ');
  return `default-src 'none'; script-src ${scripts}; style-src ${sourceHash(styleText)}; base-uri 'none'; form-action 'none'`;
}

function sourceHash(text: string): string {
  return `'sha256-${new Bun.CryptoHasher('sha256').update(text).digest('base64')}'`;
}
