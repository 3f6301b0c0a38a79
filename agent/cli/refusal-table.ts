import { z } from 'zod';
import { refusalSchema, type Refusal } from '#agent/contract/worker';
import type { Column } from './table';

/** Why each agent cannot take the work, and what changes that. */
export const refusalColumns: ReadonlyArray<Column<Refusal>> = [
  { header: 'AGENT', cell: (refusal) => refusal.worker_name, widthMin: 12, overflow: 'middle' },
  { header: 'WHY', cell: (refusal) => refusal.reason, widthMin: 20, overflow: 'wrap' },
  { header: 'FIX', cell: (refusal) => refusal.fix, widthMin: 20, overflow: 'wrap' },
];

/** The refusals that a fault of code no_workers carries. */
export function refusalsOf(details: Readonly<Record<string, unknown>> | undefined): Refusal[] {
  return z.array(refusalSchema).max(10_000).safeParse(details?.refusals).data ?? [];
}
