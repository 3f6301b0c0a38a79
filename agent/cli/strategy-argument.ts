import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { errorCode, Fault } from '#agent/kit/error';
import { FILE_BYTES_MAX } from '#agent/engine/strategy/file/document';
import { parseStrategyFile } from '#agent/engine/strategy/file/parse-strategy-file';
import type { StrategyFile } from '#agent/engine/strategy/file/parse-strategy-file';

/** What the command line leaves out and a strategy file may say. */
interface RequestedSeries {
  symbol?: string | undefined;
  timeframe?: string | undefined;
  start?: string | undefined;
  end?: string | undefined;
}

/**
 * The strategy and the bars of a request. A file is read and checked here, so that its mistakes show at
 * once, and gives symbol, timeframe and dates where the command names none. Throws Fault.
 */
export function requestedStrategy(argument: string, series: RequestedSeries) {
  if (!isStrategyFile(argument)) {
    return { strategy_name: argument, ...requestedSeries(series, undefined) };
  }
  const { text, file } = readStrategyFile(argument);
  return {
    strategy: { file_name: basename(argument), text },
    ...requestedSeries(series, file),
  };
}

/** A path, or a name as files have them; built-in strategies have neither slash nor ending. */
export function isStrategyFile(argument: string): boolean {
  return argument.includes('/') || /\.ya?ml$/i.test(argument);
}

export function readStrategyFile(path: string): { text: string; file: StrategyFile } {
  const text = readText(path);
  return { text, file: parseStrategyFile(text, path) };
}

function requestedSeries(given: RequestedSeries, file: StrategyFile | undefined) {
  const data = file?.trainingData;
  const symbol = given.symbol ?? only(data?.symbols);
  const timeframe = given.timeframe ?? only(data?.timeframes);
  if (symbol !== undefined && timeframe !== undefined) {
    return {
      symbol,
      timeframe,
      start_date: given.start ?? data?.startDate,
      end_date: given.end ?? data?.endDate,
    };
  }
  const missing = symbol === undefined ? 'symbol' : 'timeframe';
  throw new Fault('bad_request', `Cannot read the command line: missing required argument '${missing}'`, {
    hint: 'give both after the strategy, such as SPX 1d; a strategy file may name one of each in training_data',
  });
}

function only(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size <= FILE_BYTES_MAX) return readFileSync(path, 'utf8');
    throw new Fault('too_large', `Cannot read ${path}: it has ${size} bytes, the limit is ${FILE_BYTES_MAX}`);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const reason = errorCode(cause) === 'ENOENT' ? 'there is no such file' : 'it cannot be read';
    throw new Fault('bad_request', `Cannot read ${path}: ${reason}`, {
      cause,
      hint: 'name a strategy file, or a strategy of `ktrdr-agent strategies`',
    });
  }
}
