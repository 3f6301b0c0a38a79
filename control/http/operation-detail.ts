import type { Refusal } from '#agent/contract/worker';
import { placementNodes } from '#control/schedule/fleet';
import { place } from '#control/schedule/placement';
import { listAttempts, type OperationRow } from '#control/store/operations';
import type { ControlContext } from './context';
import { rowOf } from './operation-rows';
import { attemptOnWire, operationOnWire } from './wire';

/** One operation with its attempts, and why it waits when it does. */
export async function detailed(context: ControlContext, operationId: string) {
  const row = await rowOf(context, operationId);
  const attempts = (await listAttempts(context.database.sql, operationId)).map(attemptOnWire);
  const { refusals, reason } = await waiting(context, row);
  return { ...operationOnWire(row), waiting_reason: reason, attempts, refusals };
}

/** Why an operation does not run yet: the answer of the same function that places work. */
async function waiting(
  context: ControlContext,
  row: OperationRow,
): Promise<{ refusals: Refusal[]; reason: string | null }> {
  if (row.status !== 'pending' && row.status !== 'resuming') return { refusals: [], reason: null };
  const nodes = await placementNodes(context.database.sql, context.times);
  const answer = place(row.needs, nodes);
  if (row.notBeforeInMs > 0) {
    return { refusals: [], reason: `tried again in ${Math.ceil(row.notBeforeInMs / 1000)} s after an error` };
  }
  if (answer.now) return { refusals: answer.refusals, reason: 'an agent takes it at its next poll' };
  const reason =
    nodes.length === 0 ? 'no agent is registered' : `none of ${nodes.length} agents can take it now`;
  return { refusals: answer.refusals, reason };
}
