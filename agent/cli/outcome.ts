import { METRICS } from '#agent/engine/backtest/metric-table';
import { isTerminal, unitMetricsSchema, type Operation, type UnitResult } from '#agent/contract/operation';
import { searchResultSchema, type SearchResult } from '#agent/contract/search-result';
import { Fault } from '#agent/kit/error';
import { count, metricText, plural } from './figures';
import { elapsed } from './follow';
import { showSearch } from './search-view';
import type { Session } from './session';
import { paintState } from './style';
import type { Column } from './table';
import { printable } from './text';

export interface Ranking {
  rank_by: string;
  units_total: number;
  /** Units that have a result. */
  units_done: number;
  units: RankedUnit[];
}
export type RankedUnit = UnitResult & { rank: number };

export interface Outcome {
  operation: Operation;
  metrics: Record<string, number | null> | null;
  ranking: Ranking | null;
  /** What a sweep proves, once it is over. */
  search: SearchResult | null;
}

/** What there is to see of an operation: metrics of a completed backtest, the best units of a sweep so far. */
export async function readOutcome(session: Session, operation: Operation, top: number): Promise<Outcome> {
  const { client, shell } = session;
  const params = { operation_id: operation.operation_id };
  const call = { params, signal: shell.signal };
  if (operation.operation_type === 'sweep' && operation.parent_operation_id === null) {
    const { data, ...page } = await client.call('listUnits', { ...call, query: { limit: top } });
    const ranking = {
      rank_by: page.rank_by,
      units_total: page.units_total,
      units_done: page.total_count,
      units: data,
    };
    const isJudged = isTerminal(operation.status) && ranking.units.length > 0;
    const result = isJudged ? await client.call('getResults', call) : undefined;
    const search = searchResultSchema.safeParse(result?.data).data ?? null;
    return { operation, metrics: null, ranking, search };
  }
  if (operation.status !== 'completed') return { operation, metrics: null, ranking: null, search: null };
  const { data } = await client.call('getMetrics', call);
  const metrics = unitMetricsSchema.safeParse(data).data ?? null;
  return { operation, metrics, ranking: null, search: null };
}

/** Prints what came out, and returns the exit code: 0 completed, 1 failed or cancelled. */
export function showOutcome({ output }: Session, outcome: Outcome): number {
  const { operation, metrics } = outcome;
  output.document(outcome);
  showSweep(output, outcome);
  if (metrics !== null) showMetrics(output, metrics);
  output.line();
  output.line(`${operation.operation_id} ${paintState(output.style, operation.status)}${elapsed(operation)}`);
  showError(output, operation);
  return operation.status === 'completed' ? 0 : 1;
}

export function showError(output: Session['output'], operation: Operation): void {
  const { error, error_message } = operation;
  if (error === null && error_message === null) return;
  output.line(`${output.style.bad('error')}: ${printable(error?.message ?? error_message ?? '')}`);
  if (error?.hint !== undefined) output.line(`${output.style.bold('hint')}: ${printable(error.hint)}`);
}

/** The best units and what they prove; of a walk forward, what its windows chose. */
export function showSweep(output: Session['output'], { ranking, search }: Omit<Outcome, 'operation'>): void {
  if (ranking !== null && (search?.walk_forward ?? null) === null) showRanking(output, ranking);
  if (search !== null) showSearch(output, search);
}

/** The best units, one column a parameter that differs between them, and how many trials they are the best of. */
export function showRanking(output: Session['output'], ranking: Ranking): void {
  if (ranking.units.length === 0) return output.line('No unit has a result yet.');
  output.table(ranking.units, rankingColumns(ranking));
  const shared = sharedParameters(ranking.units);
  if (shared !== '') output.line(`All with ${shared}.`);
  const done = ranking.units_done < ranking.units_total ? `${count(ranking.units_done)} of ` : '';
  output.line(
    `Best ${plural(ranking.units.length, 'unit')} by ${ranking.rank_by} of ${done}${plural(ranking.units_total, 'trial')}: the more trials, the luckier the best one.`,
  );
}

const SHOWN_METRICS = ['total_return_pct', 'sharpe_ratio', 'max_drawdown_pct', 'win_rate', 'total_trades'];

function rankingColumns({ units, rank_by }: Ranking): Array<Column<RankedUnit>> {
  const parameters = parameterNames(units)
    .filter((name) => differs(units, name))
    .map((name): Column<RankedUnit> => ({
      header: name,
      cell: (unit) => String(unit.parameters[name]),
      align: 'right',
    }));
  // Of a walk forward the units have each metric twice.
  const part = /^(train|test)\./.exec(rank_by)?.[0] ?? '';
  const shown = SHOWN_METRICS.map((name) => `${part}${name}`);
  const metrics = [rank_by, ...shown.filter((name) => name !== rank_by)].map(
    (name, index): Column<RankedUnit> => ({
      header: name,
      cell: (unit) => metricText(unit.metrics[name], unitOf(name)),
      align: 'right',
      optional: index > 0,
    }),
  );
  return [{ header: 'RANK', cell: ({ rank }) => count(rank), align: 'right' }, ...parameters, ...metrics];
}

/** Parameters that all these units have in common: a column would say the same in each row. */
function sharedParameters(units: readonly RankedUnit[]): string {
  const names = parameterNames(units).filter((name) => !differs(units, name));
  return names.map((name) => `${name}=${printable(String(units[0]?.parameters[name]))}`).join(', ');
}

function parameterNames(units: readonly RankedUnit[]): string[] {
  return Object.keys(units[0]?.parameters ?? {});
}

function differs(units: readonly RankedUnit[], name: string): boolean {
  return units.length === 1 || new Set(units.map(({ parameters }) => parameters[name])).size > 1;
}

interface MetricRow {
  name: string;
  value: string;
  description: string;
}

const METRIC_COLUMNS: ReadonlyArray<Column<MetricRow>> = [
  { header: 'METRIC', cell: ({ name }) => name },
  { header: 'VALUE', cell: ({ value }) => value, align: 'right' },
  { header: 'MEANING', cell: ({ description }) => description, widthMin: 10, optional: true },
];

export function showMetrics(output: Session['output'], metrics: Record<string, number | null>): void {
  output.table(metricRows(metrics), METRIC_COLUMNS);
}

function metricRows(metrics: Record<string, number | null>): MetricRow[] {
  const known = METRICS.filter(({ name }) => name in metrics);
  return known.map(({ name, unit, description }) => ({
    name,
    description,
    value: metricText(metrics[name], unit),
  }));
}

function unitOf(name: string): (typeof METRICS)[number]['unit'] | undefined {
  return METRICS.find((metric) => metric.name === name.replace(/^(train|test)\./, ''))?.unit;
}

/** A submission that met a broken connection is sent once more: its key makes that safe. */
export async function submitOnce<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const isBroken = error instanceof Fault && error.code === 'timeout';
    if (!isBroken) throw error;
    return await send();
  }
}
