import type { ControlContext } from './context';
import { noSuchOperation } from '#control/store/cancel';
import { findOperation, type OperationRow } from '#control/store/operations';

/** The row of an operation; throws a Fault when there is none. */
export async function rowOf(context: ControlContext, operationId: string): Promise<OperationRow> {
  const row = await findOperation(context.database.sql, operationId);
  if (!row) throw noSuchOperation(operationId);
  return row;
}
