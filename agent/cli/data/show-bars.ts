import { Option } from '@commander-js/extra-typings';
import { TIMEFRAMES, timeframeMs, timeframeSchema, type Timeframe } from '#agent/contract/timeframe';
import { Fault } from '#agent/kit/error';
import { ageOf } from '#agent/cli/ages';
import { clientCommand, examples } from '#agent/cli/command';
import { count, plural } from '#agent/cli/figures';
import { openSession, type Session } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';
import { wholeNumber } from '#agent/cli/usage';

export function showDataCommand(shell: Shell) {
  return clientCommand('show')
    .description('Stored series, or the bars of one')
    .argument('[symbol]', 'without it: every series')
    .argument('[timeframe]', 'such as 1d')
    .option('--start <date>', 'from this day on')
    .option('--end <date>', 'before this day')
    .option('-n, --limit <n>', 'at most so many bars', wholeNumber('--limit', 1, 50_000), 20)
    .option('--newest', 'the last bars first')
    .addOption(
      new Option('--aggregate <timeframe>', 'in longer bars, made from the stored ones').choices(TIMEFRAMES),
    )
    .action(async (symbol, timeframe, { start, end, limit, newest, aggregate, ...flags }) => {
      const session = openSession(shell, flags);
      if (symbol === undefined) return await showSeries(session);
      const query = { start, end, limit, order: newest ? ('desc' as const) : ('asc' as const), aggregate };
      await showBars(session, { symbol, timeframe, query });
    })
    .addHelpText(
      'after',
      examples(
        ['data show', 'what is there'],
        ['data show SPX 1d --start 2020-01-01 --limit 5', 'bars of a range'],
        ['data show SPX 1d --aggregate 1w --newest', 'the last weeks, made from days'],
      ),
    );
}

async function showSeries({ client, output, shell }: Session): Promise<void> {
  const { data } = await client.call('getDataInfo', { signal: shell.signal });
  output.document(data);
  if (data.length === 0) return output.line('No bars yet. Import some: ktrdr-agent data import SPX_1d.csv');
  output.table(data, [
    { header: 'SYMBOL', cell: ({ symbol }) => symbol },
    { header: 'TIMEFRAME', cell: ({ timeframe }) => timeframe },
    { header: 'BARS', cell: ({ bar_count }) => count(bar_count), align: 'right' },
    { header: 'FIRST', cell: (series) => moment(series.first_bar_at, series.timeframe), optional: true },
    { header: 'LAST', cell: (series) => moment(series.last_bar_at, series.timeframe) },
    {
      header: 'CHANGED',
      cell: ({ updated_at }) => ageOf(updated_at, shell.clock.nowMs()),
      align: 'right',
      optional: true,
    },
    { header: 'SOURCE', cell: ({ source }) => source ?? '–', widthMin: 8, optional: true },
  ]);
}

interface BarsAsked {
  symbol: string;
  timeframe: string | undefined;
  query: {
    start: string | undefined;
    end: string | undefined;
    limit: number;
    order: 'asc' | 'desc';
    aggregate: (typeof TIMEFRAMES)[number] | undefined;
  };
}

async function showBars(
  { client, output, shell }: Session,
  { symbol, timeframe, query }: BarsAsked,
): Promise<void> {
  const parsed = timeframeSchema.safeParse(timeframe);
  if (!parsed.success) {
    const state = timeframe === undefined ? 'its timeframe is missing' : `${timeframe} is not a timeframe`;
    throw new Fault('bad_request', `Cannot show bars of ${symbol}: ${state}`, {
      hint: `such as ktrdr-agent data show ${symbol} 1d; timeframes are ${TIMEFRAMES.join(', ')}`,
    });
  }
  const params = { symbol, timeframe: parsed.data };
  const reply = await client.call('getBars', { params, query, signal: shell.signal });
  output.document(reply.data);
  if (reply.data.length === 0) return output.line('No bars in this range.');
  output.table(reply.data, [
    { header: 'TIME (UTC)', cell: ({ time }) => moment(time, query.aggregate ?? parsed.data) },
    { header: 'OPEN', cell: ({ open }) => String(open), align: 'right', optional: true },
    { header: 'HIGH', cell: ({ high }) => String(high), align: 'right' },
    { header: 'LOW', cell: ({ low }) => String(low), align: 'right' },
    { header: 'CLOSE', cell: ({ close }) => String(close), align: 'right' },
    { header: 'VOLUME', cell: ({ volume }) => count(volume), align: 'right', optional: true },
  ]);
  const left = reply.total_count - reply.data.length;
  if (left > 0) output.line(`… and ${plural(left, 'more bar')}: --limit ${reply.total_count}`);
}

/** Of bars of a day or longer only the day. */
function moment(instant: string | null, timeframe: Timeframe): string {
  if (instant === null) return '–';
  const isDay = timeframeMs(timeframe) >= DAY_MS && instant.includes('T00:00:00');
  return isDay ? instant.slice(0, 10) : instant.slice(0, 16).replace('T', ' ');
}

const DAY_MS = 86_400_000;
