import { z } from 'zod';
import { qualityFindingSchema, type QualityFinding } from '#agent/contract/bars';
import { count } from '#agent/cli/figures';
import type { Column } from '#agent/cli/table';

/** What an import found in a file; the JSON has up to five examples of each. */
export const findingColumns: ReadonlyArray<Column<QualityFinding>> = [
  { header: 'FINDING', cell: ({ kind }) => kind },
  { header: 'SEVERITY', cell: ({ severity }) => severity },
  { header: 'COUNT', cell: (finding) => count(finding.count), align: 'right' },
  { header: 'WHAT', cell: ({ message }) => message, widthMin: 20, overflow: 'wrap' },
  { header: 'SUCH AS', cell: suchAs, widthMin: 12, overflow: 'wrap', optional: true },
];

/** The findings that the fault of a refused import carries. */
export function findingsOf(details: Readonly<Record<string, unknown>> | undefined): QualityFinding[] {
  return z.array(qualityFindingSchema).max(1000).safeParse(details?.findings).data ?? [];
}

function suchAs({ examples: [first, ...others] }: QualityFinding): string {
  if (first === undefined) return '';
  return others.length === 0 ? first : `${first}; …`;
}
