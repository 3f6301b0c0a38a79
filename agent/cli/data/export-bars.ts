import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { instantSchema } from '#agent/contract/data-endpoints';
import { TIMEFRAMES, timeframeSchema, type Timeframe } from '#agent/contract/timeframe';
import { seriesFileStem } from '#agent/engine/bars-import/series-file-name';
import { Fault } from '#agent/kit/error';
import { clientCommand, examples } from '#agent/cli/command';
import {
  downloadToFile,
  downloadToStdout,
  formatOf,
  HEADERS_MS_MAX,
  rowCountOf,
  type Download,
  type TableFormat,
} from '#agent/cli/download';
import { bytes, plural } from '#agent/cli/figures';
import { openSession, type Session } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';

export function exportDataCommand(shell: Shell) {
  return clientCommand('export')
    .summary('Write bars to a file, as CSV or Parquet')
    .description('Write the bars of a series to a file; `data import` reads the CSV again, to the bit')
    .argument('[symbol]', 'see `ktrdr-agent data show`')
    .argument('[timeframe]', 'such as 1d')
    .option('--from <date>', 'first day, or a moment such as 2020-01-31T15:30:00Z; default: of the first bar')
    .option('--to <date>', 'last day, itself included, or a moment to stop before; default: of the last bar')
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, else csv').choices([
        'csv',
        'parquet',
      ]),
    )
    .option('-o, --output <file>', 'file, folder, or - for stdout; default: {symbol}_{timeframe}.{format}')
    .option('--all', 'every series, each into a file of its own in the folder of -o')
    .action(async (symbol, timeframe, { from, to, format, output: path, all, ...flags }) => {
      const session = openSession(shell, flags);
      const range = rangeOf(from, to);
      if (all) {
        if (symbol !== undefined)
          throw misfit(`--all means every series, not ${symbol}`, 'leave one of them out');
        return await exportAll(session, { range, format: format ?? 'csv', folder: path ?? '.' });
      }
      const series = requestedSeries(symbol, timeframe);
      const chosen = formatOf(format, path);
      if (path === '-')
        return await downloadToStdout(session, await openBars(session, { series, range, chosen }));
      const file = fileOf(path, `${seriesFileStem(series)}.${chosen}`);
      const written = await exportOne(session, { series, range, chosen, file });
      session.output.document(written);
    })
    .addHelpText(
      'after',
      examples(
        ['data export SPX 1d', 'all its bars, into SPX_1d.csv'],
        ['data export SPX 1d --from 2020-01-01 --to 2020-12-31 -o year.parquet', 'one year, for pandas'],
        ['data export SPX 1d -o - | head', 'into a pipe'],
        ['data export --all -o bars/', 'every series, a file each'],
      ),
    );
}

interface BarsSeries {
  symbol: string;
  timeframe: Timeframe;
}

interface BarsRange {
  start: string | undefined;
  end: string | undefined;
}

/** The document of --json. */
interface ExportedSeries extends BarsSeries {
  format: TableFormat;
  file: string;
  bars: number;
  bytes: number;
}

async function exportAll(
  session: Session,
  { range, format, folder }: { range: BarsRange; format: TableFormat; folder: string },
): Promise<void> {
  const { client, output, shell } = session;
  const { data } = await client.call('getDataInfo', { signal: shell.signal });
  const written: ExportedSeries[] = [];
  for (const { symbol, timeframe } of data) {
    const series = { symbol, timeframe };
    const file = join(folder, `${seriesFileStem(series)}.${format}`);
    written.push(await exportOne(session, { series, range, chosen: format, file }));
  }
  output.document(written);
  if (data.length === 0) output.line('No bars yet. Import some: ktrdr-agent data import SPX_1d.csv');
}

interface BarsWanted {
  series: BarsSeries;
  range: BarsRange;
  chosen: TableFormat;
}

async function exportOne(session: Session, wanted: BarsWanted & { file: string }): Promise<ExportedSeries> {
  const { series, chosen: format, file } = wanted;
  const download = await openBars(session, wanted);
  const size = await downloadToFile(session, download, file);
  const bars = download.rowCount ?? 0;
  const { symbol, timeframe } = series;
  session.output.line(`Wrote ${file}: ${plural(bars, 'bar')} of ${symbol} ${timeframe}, ${bytes(size)}`);
  return { ...series, format, file, bars, bytes: size };
}

async function openBars({ client, shell }: Session, wanted: BarsWanted): Promise<Download> {
  const { series, range, chosen: format } = wanted;
  const response = await client.open('exportBars', {
    params: series,
    query: { ...range, format },
    signal: shell.signal,
    timeoutMs: HEADERS_MS_MAX,
  });
  return {
    what: `bars of ${series.symbol} ${series.timeframe}`,
    response,
    format,
    rowCount: rowCountOf(response),
  };
}

function requestedSeries(symbol: string | undefined, timeframe: string | undefined): BarsSeries {
  if (symbol === undefined) throw misfit('no series is named', 'such as SPX 1d, or --all for every series');
  const parsed = timeframeSchema.safeParse(timeframe);
  if (parsed.success) return { symbol, timeframe: parsed.data };
  const state = timeframe === undefined ? 'its timeframe is missing' : `${timeframe} is not a timeframe`;
  throw misfit(
    state,
    `such as ktrdr-agent data export ${symbol} 1d; timeframes are ${TIMEFRAMES.join(', ')}`,
  );
}

function misfit(state: string, hint: string): Fault {
  return new Fault('bad_request', `Cannot export bars: ${state}`, { hint });
}

function rangeOf(from: string | undefined, to: string | undefined): BarsRange {
  const start = from === undefined ? undefined : instant('--from', from);
  const end = to === undefined ? undefined : exclusiveEnd(instant('--to', to));
  if (start !== undefined && end !== undefined && Date.parse(start) >= Date.parse(end)) {
    throw misfit(`--to ${to} is before --from ${from}`, 'such as --from 2020-01-01 --to 2020-12-31');
  }
  return { start, end };
}

/** The start of a day, or a moment. */
function instant(flag: string, text: string): string {
  if (instantSchema.safeParse(text).success) return text;
  throw new Fault('bad_request', `Cannot use '${text}' as ${flag}: it is no day and no moment`, {
    hint: `such as ${flag} 2020-01-31, or ${flag} 2020-01-31T15:30:00Z`,
  });
}

/** The end of the API is exclusive; a day is meant whole. */
function exclusiveEnd(to: string): string {
  if (to.length !== DAY_LENGTH) return to;
  return new Date(Date.parse(`${to}T00:00:00Z`) + DAY_MS).toISOString().slice(0, DAY_LENGTH);
}

const DAY_LENGTH = '2020-01-31'.length;
const DAY_MS = 86_400_000;

/** As `cp` does it: an existing folder, or a name that ends with a slash, gets the file of that name. */
function fileOf(path: string | undefined, name: string): string {
  if (path === undefined) return name;
  return path.endsWith('/') || isFolder(path) ? join(path, name) : path;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // Not there yet, or not to be reached: writing to it says what is wrong.
    return false;
  }
}
