import { accessSync, constants, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import type { ImportReport } from '#agent/contract/bars';
import { IMPORT_BYTES_MAX } from '#agent/contract/data-endpoints';
import { TIMEFRAMES, timeframeSchema, type Timeframe } from '#agent/contract/timeframe';
import { symbolInFileName } from '#agent/engine/bars-import/series-file-name';
import { errorCode, Fault } from '#agent/kit/error';
import { clientCommand, examples } from '#agent/cli/command';
import { bytes, count, plural } from '#agent/cli/figures';
import type { Output } from '#agent/cli/output';
import { openSession } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';
import { printable } from '#agent/cli/text';
import { findingColumns } from './findings-table';
import { uploadWithProgress } from './upload-progress';

/** Longest upload: a gigabyte over a slow line. */
const UPLOAD_MS_MAX = 60 * 60_000;

export function importCommand(shell: Shell) {
  return clientCommand('import')
    .description('Import bars from a CSV file; all or nothing, and every oddity is reported')
    .argument('<file>', '{symbol}_{timeframe}.csv, or - for stdin')
    .option('--symbol <symbol>', 'symbol of the bars; default: from the name of the file')
    .addOption(new Option('--timeframe <timeframe>', 'length of a bar').choices(TIMEFRAMES))
    .option('--timezone <zone>', 'of times without one, such as America/New_York; default: UTC')
    .option('--source <text>', 'where the bars are from, for the record; default: the name of the file')
    .addOption(
      new Option('--on-conflict <what>', 'bars that differ from stored ones').choices(['reject', 'replace']),
    )
    .addOption(new Option('--on-bad <what>', 'impossible bars').choices(['reject', 'keep']))
    .option('--dry-run', 'check and report, and store nothing')
    .action(async (file, options) => {
      const session = openSession(shell, options);
      const series = seriesOf(file, options);
      const query = {
        ...series,
        timezone: options.timezone,
        source: options.source ?? (file === '-' ? undefined : basename(file)),
        on_conflict: options.onConflict,
        on_bad: options.onBad,
        dry_run: options.dryRun,
      };
      const source = file === '-' ? { stream: shell.stdin(), size: undefined } : openFile(file);
      const report = await uploadWithProgress(session, source, async (upload) => {
        const call = { query, upload, signal: shell.signal, timeoutMs: UPLOAD_MS_MAX };
        return (await session.client.upload('importBars', call)).data;
      });
      session.output.document(report);
      showReport(session.output, report);
    })
    .addHelpText(
      'after',
      examples(
        ['data import SPX_1d.csv', 'symbol and timeframe from the name'],
        ['data import - --symbol SPX --timeframe 1d < bars.csv', 'from a pipe'],
        ['data import EURUSD_1h.csv --timezone America/New_York --dry-run', 'look at the report first'],
      ),
    );
}

interface SeriesOptions {
  symbol?: string | undefined;
  timeframe?: Timeframe | undefined;
}

/** Flags over the name of the file, whose last underscore divides: `BRK_B_1d.csv` is BRK_B. */
export function seriesOf(
  file: string,
  { symbol, timeframe }: SeriesOptions,
): { symbol: string; timeframe: Timeframe } {
  const [, named, unit] = /^(.+)_([^_.]+)\.csv$/i.exec(file === '-' ? '' : basename(file)) ?? [];
  const parsed = timeframe ?? timeframeSchema.safeParse(unit?.toLowerCase()).data;
  const chosen = symbol ?? (named === undefined ? undefined : symbolInFileName(named));
  if (chosen !== undefined && parsed !== undefined) return { symbol: chosen, timeframe: parsed };
  const missing = chosen === undefined ? '--symbol SPX --timeframe 1d' : '--timeframe 1d';
  const what =
    file === '-'
      ? 'stdin has no name that says what it holds'
      : `${file} is not named {symbol}_{timeframe}.csv`;
  throw new Fault('bad_request', `Cannot import ${file === '-' ? 'from stdin' : file}: ${what}`, {
    hint: `say what the bars are, such as ${missing}; timeframes are ${TIMEFRAMES.join(', ')}`,
  });
}

function openFile(path: string): { stream: ReadableStream<Uint8Array>; size: number } {
  const size = fileSize(path);
  if (size <= IMPORT_BYTES_MAX) return { stream: Bun.file(path).stream(), size };
  const limit = bytes(IMPORT_BYTES_MAX);
  throw new Fault('too_large', `Cannot import ${path}: it has ${bytes(size)}, one import takes ${limit}`, {
    hint: 'split it by years and import the parts one after the other',
  });
}

function fileSize(path: string): number {
  try {
    accessSync(path, constants.R_OK);
    const status = statSync(path);
    if (!status.isDirectory()) return status.size;
  } catch (cause) {
    const state = { ENOENT: 'no such file', EACCES: 'permission denied' }[errorCode(cause) ?? ''];
    throw unreadable(path, state ?? errorCode(cause) ?? 'it cannot be read', cause);
  }
  throw unreadable(path, 'it is a directory');
}

function unreadable(path: string, state: string, cause?: unknown): Fault {
  return new Fault('bad_request', `Cannot import ${path}: ${state}`, {
    cause,
    hint: 'name a CSV file with columns time, open, high, low, close, volume, or - for stdin',
  });
}

function showReport(output: Output, report: ImportReport): void {
  const { symbol, timeframe, rows_read, dry_run, findings } = report;
  const verb = dry_run ? 'Would import' : 'Imported';
  output.line(
    `${verb} ${symbol} ${timeframe}: ${plural(rows_read, 'row')} read, times in ${printable(report.timezone)}`,
  );
  output.line(
    `  ${count(report.bars_inserted)} new, ${count(report.bars_unchanged)} unchanged, ${count(report.bars_replaced)} replaced`,
  );
  if (report.first_bar_at !== null) {
    output.line(`  from ${day(report.first_bar_at)} to ${day(report.last_bar_at)}`);
  }
  if (findings.length === 0) return output.line('  nothing odd in them');
  output.line();
  output.table(findings, findingColumns);
}

function day(instant: string | null): string {
  return instant === null ? '–' : instant.slice(0, 10);
}
