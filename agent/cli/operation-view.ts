import { z } from 'zod';
import { gridAxisSchema } from '#agent/engine/search/specification';
import type { Attempt, Operation, Provenance } from '#agent/contract/operation';
import type { Refusal } from '#agent/contract/worker';
import { ageOf } from './ages';
import { elapsed } from './follow';
import { subjectOf } from './operation-table';
import { showError, showMetrics, showSweep, type Outcome } from './outcome';
import type { Output } from './output';
import { refusalColumns } from './refusal-table';
import { paintState } from './style';
import { pad, printable } from './text';

export interface OperationView extends Outcome {
  operation: Operation & { attempts: Attempt[]; refusals: Refusal[] };
}

/** All about one operation, the answer to "what is with it?" first. */
export function showOperation(output: Output, view: OperationView, nowMs: number): void {
  const { operation, metrics, ranking } = view;
  const { style } = output;
  output.line(
    `${style.bold(operation.operation_id)}  ${paintState(style, operation.status)}${elapsed(operation)}`,
  );
  showFields(output, fieldsOf(operation, nowMs));
  showError(output, operation);
  for (const warning of operation.warnings) output.line(`${style.warning('warning')}: ${printable(warning)}`);
  if (operation.refusals.length > 0) {
    section(output, 'Why no agent runs it');
    output.table(operation.refusals, refusalColumns);
  }
  if (operation.attempts.length > 0) showAttempts(output, operation.attempts, nowMs);
  if (ranking !== null) {
    section(output, view.search?.walk_forward ? 'Walk forward' : 'Best units');
    showSweep(output, view);
  }
  if (metrics !== null) {
    section(output, 'Metrics');
    showMetrics(output, metrics);
  }
  if (operation.provenance !== null) {
    section(output, 'Made by');
    showFields(output, provenanceFields(operation.provenance));
  }
}

type Field = readonly [name: string, value: string];

function fieldsOf(operation: Operation, nowMs: number): Field[] {
  const { progress, metadata, waiting_reason, worker_name, parent_operation_id } = operation;
  const counted =
    progress.items_total === null ? '' : `, ${progress.items_processed} of ${progress.items_total}`;
  const parameters = parametersText(metadata);
  const fields: Array<Field | undefined> = [
    ['what', subjectOf(operation)],
    parameters === '' ? undefined : ['parameters', parameters],
    ['done', `${Math.floor(progress.percentage)} %${counted}`],
    ['created', ageOf(operation.created_at, nowMs)],
    worker_name === null ? undefined : ['agent', worker_name],
    parent_operation_id === null ? undefined : ['part of', parent_operation_id],
    waiting_reason === null ? undefined : ['waits for', waiting_reason],
  ];
  return fields.filter((field) => field !== undefined);
}

/** "fast=5:60:5 average=sma,ema commission=0.001": as the flags of a command would say it. */
export function parametersText(metadata: Readonly<Record<string, unknown>>): string {
  const request = recordOf(metadata.parameters) ?? metadata;
  const { grid, parameters, search, ...rest } = request;
  const searched = recordOf(grid) ?? recordOf(parameters) ?? {};
  const others = Object.entries(rest).filter(([name, value]) => !NAMED_ABOVE.has(name) && value !== null);
  return [...Object.entries(searched), ...searchEntries(search), ...others]
    .map(([name, value]) => `${name}=${axisText(value)}`)
    .join(' ');
}

/** A search that is not the whole grid, as flat entries without what it leaves at nothing. */
function searchEntries(search: unknown): Array<[string, unknown]> {
  const { method, ...rest } = recordOf(search) ?? { method: 'grid' };
  if (method === 'grid') return [];
  const said = Object.entries(rest).filter(([, value]) => value !== 0 && value !== false);
  return [['search', method], ...said];
}

const NAMED_ABOVE = new Set(['strategy_name', 'symbol', 'timeframe']);

function axisText(value: unknown): string {
  const axis = gridAxisSchema.safeParse(value).data;
  if (axis === undefined) return JSON.stringify(value);
  if (typeof axis !== 'object') return String(axis);
  return 'values' in axis ? axis.values.join(',') : `${axis.from}:${axis.to}:${axis.step}`;
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return z.record(z.string(), z.unknown()).safeParse(value).data;
}

function showAttempts(output: Output, attempts: readonly Attempt[], nowMs: number): void {
  section(output, 'Attempts');
  output.table(attempts, [
    { header: 'EPOCH', cell: ({ epoch }) => String(epoch), align: 'right' },
    { header: 'AGENT', cell: ({ worker_name }) => worker_name, widthMin: 12, overflow: 'middle' },
    { header: 'GRANTED', cell: ({ granted_at }) => ageOf(granted_at, nowMs), align: 'right' },
    { header: 'ENDED', cell: ({ ended_at }) => ageOf(ended_at, nowMs), align: 'right' },
    { header: 'OUTCOME', cell: ({ outcome }) => outcome ?? 'running' },
    { header: 'WHY', cell: ({ error }) => error?.message ?? '', widthMin: 16, overflow: 'wrap' },
  ]);
}

/** Hashes whole: two runs are compared by them. */
function provenanceFields(provenance: Provenance): Field[] {
  const { version, commit, target, worker_name } = provenance;
  return [
    ['version', `${version} (${commit}, ${target}) on ${worker_name}`],
    ['binary', provenance.binary_sha256],
    ['data', provenance.data_hash ?? '–'],
    ['parameters', provenance.parameters_sha256],
    ['result', provenance.result_sha256 ?? '–'],
  ];
}

function showFields(output: Output, fields: readonly Field[]): void {
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) {
    output.line(printable(value), `  ${output.style.dim(pad(name, width))}  `);
  }
}

function section(output: Output, title: string): void {
  output.line();
  output.line(output.style.bold(title));
}
