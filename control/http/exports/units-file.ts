import type { ExportFormat } from '#agent/contract/export-endpoints';
import type { Sql } from '#control/store/sql';
import { eachUnits } from '#control/store/unit-ranking';
import { ROWS_PER_PART, tableAnswer } from './answer';
import { unitColumns } from './columns';

/** All units of a sweep as a file. The columns follow from the first part, which is read before the answer begins. */
export async function unitsFile(
  sql: Sql,
  sweepId: string,
  format: Exclude<ExportFormat, 'json'>,
): Promise<Response> {
  const parts = eachUnits(sql, sweepId, ROWS_PER_PART);
  const head = await parts.next();
  const first = head.done === true ? [] : head.value;
  async function* all() {
    if (first.length > 0) yield first;
    yield* parts;
  }
  return tableAnswer(format, { name: `${sweepId}_units`, columns: unitColumns(first), parts: all() });
}
