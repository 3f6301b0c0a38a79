import type { Refusal } from '#agent/contract/worker';
import type { Operation } from '#agent/contract/operation';
import { placementNodes } from '#control/schedule/fleet';
import { place, type PlacementNode } from '#control/schedule/placement';
import { listAttempts, type OperationRow } from '#control/store/operations';
import type { ControlContext } from './context';
import { rowOf } from './operation-rows';
import { attemptOnWire, operationOnWire } from './wire';

/** One operation with its attempts, and why it waits when it does. */
export async function detailed(context: ControlContext, operationId: string) {
  const row = await rowOf(context, operationId);
  const attempts = (await listAttempts(context.database.sql, operationId)).map(attemptOnWire);
  const { refusals, reason } = isWaiting(row) ? waitingFor(row, await nodesOf(context)) : RUNS;
  return { ...operationOnWire(row), waiting_reason: reason, attempts, refusals };
}

/** Operations of a list; the nodes are read once, and only when something waits. */
export async function listed(context: ControlContext, rows: readonly OperationRow[]): Promise<Operation[]> {
  const nodes = rows.some(isWaiting) ? await nodesOf(context) : [];
  return rows.map((row) => ({
    ...operationOnWire(row),
    waiting_reason: isWaiting(row) ? waitingFor(row, nodes).reason : null,
  }));
}

interface Waiting {
  refusals: Refusal[];
  reason: string | null;
}

const RUNS: Waiting = { refusals: [], reason: null };

function isWaiting({ status }: OperationRow): boolean {
  return status === 'pending' || status === 'resuming';
}

function nodesOf({ database, times }: ControlContext): Promise<PlacementNode[]> {
  return placementNodes(database.sql, times);
}

/** Why an operation does not run yet: the answer of the same function that places work. */
export function waitingFor(
  row: Pick<OperationRow, 'needs' | 'notBeforeInMs'>,
  nodes: readonly PlacementNode[],
): Waiting {
  if (row.notBeforeInMs > 0) {
    return { refusals: [], reason: `tried again in ${Math.ceil(row.notBeforeInMs / 1000)} s after an error` };
  }
  const { now, refusals } = place(row.needs, nodes);
  if (now) return { refusals, reason: 'an agent takes it at its next poll' };
  if (nodes.length === 0) return { refusals, reason: 'no agent is registered' };
  // What passes by itself says more than an agent that is long gone.
  const telling = refusals.find(({ temporary }) => temporary) ?? refusals[0];
  const which = nodes.length === 1 ? 'the agent cannot' : `none of ${nodes.length} agents can`;
  return { refusals, reason: `${which} take it now: ${telling?.reason ?? 'unknown'}` };
}
