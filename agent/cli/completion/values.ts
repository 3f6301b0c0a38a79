import { SETTINGS } from '#agent/contract/settings';
import { TIMEFRAMES } from '#agent/contract/timeframe';
import { METRIC_NAMES } from '#agent/engine/backtest/metric-table';
import { INDICATORS } from '#agent/engine/indicators/registry';
import { STRATEGIES } from '#agent/engine/strategy/registry';
import { JOB_KINDS } from '#agent/jobs/registry';
import { subjectOf } from '#agent/cli/operation-table';
import { CHECKS } from '#agent/cli/doctor/run-checks';
import { HELP_TOPICS } from '#agent/cli/help-topics';
import type { Session } from '#agent/cli/session';
import type { Candidate, Place } from './complete';

/** What a value can be: words, also from the control plane, and files where files are meant. */
export interface Values {
  candidates: Candidate[];
  files: boolean;
}

/** A way to the control plane; undefined where there is none. */
export type Asked = Pick<Session, 'client' | 'shell'> | undefined;

type Source = (place: Place, asked: Asked) => Candidate[] | Promise<Candidate[]>;

const FILES: readonly string[] = ['file', 'files', 'directory', 'folder'];
/** A value that may be a file as well. */
const ALSO_FILES: readonly string[] = ['strategy'];

/** By the name of an argument or of the value of an option in the help; a name that is not here is free text. */
const SOURCES: Readonly<Record<string, Source>> = {
  agent: workers,
  worker: workers,
  axis: parameters,
  check: () => CHECKS.map(({ name, about }) => ({ value: name, description: about })),
  'name=value': parameters,
  id: operations,
  metric: () => METRIC_NAMES.map((value) => ({ value })),
  name: namesOf,
  strategy: strategies,
  symbol: symbols,
  timeframe: timeframes,
  type: () => JOB_KINDS.map(({ name }) => ({ value: name })),
  words: () => HELP_TOPICS.map(({ name, summary }) => ({ value: name, description: summary })),
  'yes|no': () => [{ value: 'yes' }, { value: 'no' }],
  zone: () => ['UTC', ...Intl.supportedValuesOf('timeZone')].map((value) => ({ value })),
};

export async function valuesFor(name: string, place: Place, asked: Asked): Promise<Values> {
  const found = (await SOURCES[name]?.(place, asked)) ?? [];
  return {
    candidates: found.map(({ value, ...rest }) => ({ value: place.prefix + value, ...rest })),
    files: FILES.includes(name) || ALSO_FILES.includes(name),
  };
}

/** As many as somebody would look through. */
const OPERATIONS_MAX = 50;
const ACTIVE_ONLY: readonly string[] = ['cancel'];

async function operations({ command, positionals }: Place, asked: Asked): Promise<Candidate[]> {
  if (asked === undefined) return [];
  const active_only = ACTIVE_ONLY.includes(command[0] ?? '');
  const { data } = await asked.client.call('listOperations', {
    query: { limit: OPERATIONS_MAX, active_only },
    signal: asked.shell.signal,
  });
  return data
    .filter(({ operation_id }) => !positionals.includes(operation_id))
    .map((operation) => ({
      value: operation.operation_id,
      description: `${operation.status}: ${subjectOf(operation)}`,
    }));
}

async function workers(_place: Place, asked: Asked): Promise<Candidate[]> {
  if (asked === undefined) return [];
  const { data } = await asked.client.call('listWorkers', { signal: asked.shell.signal });
  return data.flatMap(({ name, label, verdict }) => [
    { value: name, description: label === null ? verdict.state : `${label}, ${verdict.state}` },
    ...(label === null ? [] : [{ value: label, description: `${name}, ${verdict.state}` }]),
  ]);
}

async function symbols(_place: Place, asked: Asked): Promise<Candidate[]> {
  if (asked === undefined) return [];
  const { data } = await asked.client.call('listSymbols', { signal: asked.shell.signal });
  return data.map((value) => ({ value }));
}

/** Those that are stored of the symbol before it; any where no symbol is. */
async function timeframes({ positionals }: Place, asked: Asked): Promise<Candidate[]> {
  const symbol = positionals.at(-1);
  const all = TIMEFRAMES.map((value) => ({ value }));
  if (asked === undefined || symbol === undefined) return all;
  const { data } = await asked.client.call('getDataInfo', { signal: asked.shell.signal });
  const stored = data.filter((series) => series.symbol === symbol);
  if (stored.length === 0) return all;
  return stored.map(({ timeframe, bar_count }) => ({ value: timeframe, description: `${bar_count} bars` }));
}

function strategies(): Candidate[] {
  return STRATEGIES.map(({ name, description }) => ({ value: name, description }));
}

/** "fast=" of the strategy that the command names; the value itself is the user's. */
function parameters({ positionals, current }: Place): Candidate[] {
  if (current.includes('=')) return [];
  const strategy = STRATEGIES.find(({ name }) => name === positionals[0]);
  return Object.keys(strategy?.parameters.shape ?? {}).map((name) => ({ value: `${name}=` }));
}

/** `<name>` means something else in each command. */
function namesOf({ command }: Place): Candidate[] {
  switch (command.join(' ')) {
    case 'indicators':
      return INDICATORS.map(({ name, description }) => ({ value: name, description }));
    case 'strategies':
      return strategies();
    case 'config':
      return Object.entries(SETTINGS).map(([value, { description }]) => ({ value, description }));
    default:
      return [];
  }
}
