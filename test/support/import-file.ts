import { expect } from 'bun:test';
import type { QualityFinding } from '#agent/contract/bars';
import type { Timeframe } from '#agent/contract/timeframe';
import type { Bars } from '#agent/engine/bars';
import { BARS_CHUNK_ROWS, importBars } from '#agent/engine/bars-import/import-bars';
import type { BarsImportOptions, BarsImportSummary } from '#agent/engine/bars-import/import-bars';
import { present } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';

export type ReadOptions = Partial<BarsImportOptions> & { chunkBytes?: () => number; heldRowsMax?: number };

export interface ImportedFile {
  bars: number[][];
  lines: number[];
  summary: BarsImportSummary;
}

export async function readFile(
  content: string | Uint8Array,
  options: ReadOptions = {},
): Promise<ImportedFile> {
  const { chunkBytes = () => 10_000, heldRowsMax, ...rest } = options;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < bytes.length;) {
      const end = from + chunkBytes();
      yield await Promise.resolve(bytes.subarray(from, end));
      from = end;
    }
  }
  const settings = { symbol: 'AAPL', timeframe: '1d' as Timeframe, onBad: 'reject' as const, ...rest };
  const reader = importBars(chunks(), settings, heldRowsMax === undefined ? {} : { heldRowsMax });
  const bars: number[][] = [];
  const lines: number[] = [];
  for (;;) {
    const next = await reader.next();
    if (next.done === true) return { bars, lines, summary: next.value };
    const { time, open, high, low, close, volume, line } = next.value;
    expect(time.length).toBeLessThanOrEqual(BARS_CHUNK_ROWS);
    for (const [i, at] of time.entries()) {
      bars.push([
        Number(at),
        ...[open, high, low, close, volume].map((column) => present(column[i], 'cell')),
      ]);
    }
    lines.push(...line);
  }
}

export async function refusalOfFile(content: string | Uint8Array, options: ReadOptions = {}): Promise<Fault> {
  try {
    await readFile(content, options);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('the file was imported');
}

export const HEADER = 'date,open,high,low,close,volume';
export const file = (...rows: string[]): string => `${[HEADER, ...rows].join('\n')}\n`;
/** A bar of the day with a close; all days here are weekdays unless a test says otherwise. */
export const day = (date: string, close = 10): string =>
  `${date},${close},${close + 1},${close - 1},${close},100`;
export const found = (summary: BarsImportSummary, kind: QualityFinding['kind']): QualityFinding[] =>
  summary.findings.filter((finding) => finding.kind === kind);
export const microseconds = (iso: string): number => Date.parse(iso) * 1000;

export function rowsOf({ time, open, high, low, close, volume }: Bars): number[][] {
  return Array.from(time, (at, i) => [
    Number(at),
    ...[open, high, low, close, volume].map((column) => column[i] ?? Number.NaN),
  ]);
}

export function csvRows(bars: Bars): string[] {
  return rowsOf(bars).map(([at = 0, ...figures]) =>
    [new Date(at / 1000).toISOString().slice(0, -1), ...figures].join(','),
  );
}
