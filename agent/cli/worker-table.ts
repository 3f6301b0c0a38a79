import type { Worker } from '#agent/contract/worker';
import { ageOf } from './ages';
import { gpuCell, NO_GPU } from './gpu-cell';
import type { Output } from './output';
import { placeCell } from './place-cell';
import { paintState } from './style';
import type { Column } from './table';

/** One line an agent: state, what it has, what it does, and why it is in that state. */
export function showWorkers(output: Output, workers: readonly Worker[], nowMs: number): void {
  const columns: Array<Column<Worker>> = [
    { header: 'AGENT', cell: nameOf, widthMin: 24, overflow: 'middle' },
    {
      header: 'STATE',
      cell: ({ verdict }) => verdict.state,
      paint: (text, { verdict }) => text.replace(verdict.state, paintState(output.style, verdict.state)),
    },
    { header: 'BUSY', cell: ({ operations, slots }) => `${operations.length}/${slots}`, align: 'right' },
    ...gpuColumn(workers),
    {
      header: 'CORES',
      cell: ({ capabilities }) => figure(capabilities.cores),
      align: 'right',
      optional: true,
    },
    {
      header: 'MEMORY',
      cell: ({ capabilities }) => gibibytes(capabilities.memory_gb),
      align: 'right',
      optional: true,
    },
    { header: 'LOAD', cell: ({ load }) => load?.load1?.toFixed(2) ?? '–', align: 'right', optional: true },
    {
      header: 'SEEN',
      cell: ({ last_healthy_at }) => ageOf(last_healthy_at, nowMs),
      align: 'right',
      optional: true,
    },
    { header: 'VERSION', cell: ({ version }) => version, optional: true },
    ...placeColumn(workers),
    { header: 'WHY', cell: ({ verdict }) => verdict.cause, widthMin: 20, overflow: 'wrap' },
  ];
  output.table(workers, columns);
}

/** Most fleets have no GPU, and a column of dashes says nothing. */
function gpuColumn(workers: readonly Worker[]): Array<Column<Worker>> {
  if (workers.every(({ facts }) => gpuCell(facts) === NO_GPU)) return [];
  return [{ header: 'GPU', cell: ({ facts }) => gpuCell(facts), widthMin: 16, optional: true }];
}

/** Where agents stand is of interest where they do not all stand alike. */
function placeColumn(workers: readonly Worker[]): Array<Column<Worker>> {
  if (new Set(workers.map(({ facts }) => placeCell(facts))).size < 2) return [];
  return [{ header: 'ON', cell: ({ facts }) => placeCell(facts), optional: true }];
}

/** The name, and the label that people gave it. */
export function nameOf({ name, label }: Worker): string {
  return label === null ? name : `${name} (${label})`;
}

function figure(value: number | null): string {
  return value === null ? '–' : String(value);
}

function gibibytes(value: number | null): string {
  return value === null ? '–' : `${value} GiB`;
}
