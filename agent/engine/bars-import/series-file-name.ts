import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { TIMEFRAMES, timeframeSchema } from '#agent/contract/timeframe';
import type { Timeframe } from '#agent/contract/timeframe';

export interface SeriesName {
  readonly symbol: string;
  readonly timeframe: Timeframe;
}

/**
 * The name of the file of a series, without its extension: `SPX_1d`. A slash, which symbols may have and
 * file names not, is written as %2F; no symbol has a percent sign.
 */
export function seriesFileStem({ symbol, timeframe }: { symbol: string; timeframe: string }): string {
  return `${symbol.replaceAll('/', '%2F')}_${timeframe}`;
}

/** The symbol that stands in such a name. */
export function symbolInFileName(name: string): string {
  return name.replaceAll(/%2F/gi, '/');
}

/** Symbol and timeframe of a file named `{symbol}_{timeframe}.csv`; folders before the name do not matter. */
export function parseSeriesFileName(path: string): SeriesName {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const match = NAME.exec(name);
  const [, symbol, length] = match ?? [];
  if (symbol === undefined || length === undefined) {
    throw new Fault(
      'invalid',
      `Cannot import ${name || 'a file'}: its name is not {symbol}_{timeframe}.csv`,
      {
        hint: 'name it like AAPL_1d.csv, or say --symbol AAPL --timeframe 1d',
      },
    );
  }
  const timeframe = timeframeSchema.safeParse(length.toLowerCase());
  if (timeframe.success) return { symbol: symbolInFileName(symbol), timeframe: timeframe.data };
  const meant = SPELLINGS[length.toLowerCase()] ?? nearest(length, TIMEFRAMES);
  throw new Fault('invalid', `Cannot import ${name}: "${length}" is not a timeframe`, {
    hint: `${meant === undefined ? '' : `did you mean ${symbol}_${meant}.csv? `}timeframes are ${TIMEFRAMES.join(', ')}`,
  });
}

/** The symbol may hold underscores itself; the last one separates. */
const NAME = /^(.+)_([^_.]+)\.csv$/i;

const SPELLINGS: Readonly<Record<string, Timeframe>> = {
  d: '1d',
  day: '1d',
  daily: '1d',
  w: '1w',
  week: '1w',
  weekly: '1w',
  h: '1h',
  hour: '1h',
  hourly: '1h',
  h1: '1h',
  h4: '4h',
  '60m': '1h',
  '240m': '4h',
  d1: '1d',
  w1: '1w',
  m1: '1m',
  m5: '5m',
  m15: '15m',
  m30: '30m',
  min: '1m',
  minute: '1m',
};
