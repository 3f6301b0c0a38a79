import { pipeline, Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { unitResultSchema, type Operation, type Provenance } from '#agent/contract/operation';
import { searchResultSchema } from '#agent/contract/search-result';
import { METRICS, type MetricDescription } from '#agent/engine/backtest/metric-table';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { Session } from '#agent/cli/session';
import { sweptParameters, type SweepUnit } from './heat-map';
import type { SweepReport } from './sweep-report';

const BEST_UNITS = 20;
/** What fits well into memory; a sweep may have a million. */
const UNITS_MAX = 200_000;
const EXPORT_MS_MAX = 10 * 60_000;

const resultSchema = z.object({
  units_total: z.int().nullable(),
  trial_count: z.int(),
  rank_by: z.string(),
  result_sha256: z.string().nullable(),
});

/** All that the page of a finished sweep shows. */
export async function readSweep(
  session: Session,
  operation: Operation,
  axes: readonly string[] | undefined,
): Promise<SweepReport> {
  const { client, shell } = session;
  const call = { params: { operation_id: operation.operation_id }, signal: shell.signal };
  const { data } = await client.call('getResults', call);
  const result = resultSchema.parse(data);
  const search = searchResultSchema.safeParse(data).data ?? null;
  const best = await client.call('listUnits', { ...call, query: { limit: BEST_UNITS } });
  const bare = result.rank_by.replace(/^train\./, '');
  const shown = search?.walk_forward ? `test.${bare}` : bare;
  const sharpe = search?.walk_forward ? 'test.sharpe_ratio' : 'sharpe_ratio';
  const units = await readUnits(session, operation.operation_id, { shown, sharpe });
  if (axes !== undefined) checkAxes(axes, units);
  return {
    operation,
    unitsTotal: result.units_total ?? result.trial_count,
    unitsDone: result.trial_count,
    rankBy: result.rank_by,
    isHigherBetter: metricNamed(bare)?.better !== 'lower',
    best: best.data.map((unit) => ({ ...unitResultSchema.parse(unit), rank: unit.rank })),
    search,
    units,
    shown,
    axes,
    resultSha256: result.result_sha256,
    provenances: await readProvenances(session, operation.operation_id),
    madeAt: new Date(shell.clock.nowMs()).toISOString(),
  };
}

/** Streams the units' CSV and keeps of each what the charts need. */
async function readUnits(
  { client, shell }: Session,
  operation_id: string,
  { shown, sharpe }: { shown: string; sharpe: string },
): Promise<SweepUnit[]> {
  const response = await client.open('listUnits', {
    params: { operation_id },
    query: { format: 'csv' },
    signal: shell.signal,
    timeoutMs: EXPORT_MS_MAX,
  });
  const units: SweepUnit[] = [];
  if (response.body === null) return units;
  const records = parse({ columns: true });
  // A broken answer ends the records with its error, which the loop below throws.
  pipeline(Readable.fromWeb(response.body), records, () => undefined);
  for await (const record of records) {
    const row = rowSchema.parse(record);
    units.push({
      parameters: parametersOf(row),
      value: figureOf(row[shown]),
      sharpe: figureOf(row[sharpe]),
    });
    if (units.length >= UNITS_MAX) break;
  }
  return units;
}

const rowSchema = z.record(z.string(), z.string());
const PARAMETER = 'param_';

function parametersOf(row: Readonly<Record<string, string>>): Record<string, string> {
  const named = Object.entries(row).filter(([name]) => name.startsWith(PARAMETER));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(PARAMETER.length), value]));
}

/** An undefined metric is an empty field. */
function figureOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text);
}

/** What made the batches: once for each agent and program. */
async function readProvenances({ client, shell }: Session, operation_id: string): Promise<Provenance[]> {
  const { data } = await client.call('listChildren', {
    params: { operation_id },
    query: { limit: 1000 },
    signal: shell.signal,
  });
  const known = new Map<string, Provenance>();
  for (const { provenance } of data) {
    if (provenance !== null) known.set(`${provenance.binary_sha256} ${provenance.worker_id}`, provenance);
  }
  return [...known.values()];
}

function checkAxes(axes: readonly string[], units: readonly SweepUnit[]): void {
  const swept = sweptParameters(units);
  for (const axis of axes) {
    if (swept.includes(axis)) continue;
    const suggestion = nearest(axis, swept);
    throw new Fault('bad_request', `Cannot draw over ${axis}: the sweep does not vary it`, {
      hint: suggestion === undefined ? `one of ${swept.join(', ')}` : `did you mean ${suggestion}?`,
    });
  }
}

function metricNamed(name: string): MetricDescription | undefined {
  return METRICS.find((metric) => metric.name === name);
}
