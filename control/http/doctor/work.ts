import { fine, warning, type Finding } from '#agent/contract/doctor';
import type { ControlContext } from '#control/http/context';
import { placementNodes } from '#control/schedule/fleet';
import { place, type PlacementNode } from '#control/schedule/placement';
import { listOperations, type OperationRow } from '#control/store/operations';

/** Work that nothing stands in the way of is taken at the next poll, within a second. */
const UNCLAIMED_MS_MAX = 60_000;
const LOOKED_AT_MAX = 50;

/** What waits, and why: the answer of the function that places work. */
export async function checkWork({ database, times, clock }: ControlContext): Promise<Finding> {
  const [page, nodes] = await Promise.all([
    listOperations(database.sql, { status: 'pending', activeOnly: false, limit: LOOKED_AT_MAX, offset: 0 }),
    placementNodes(database.sql, times),
  ]);
  return judgeWork(page.rows, { total: page.totalCount, nodes, nowMs: clock.nowMs() });
}

interface Surroundings {
  total: number;
  nodes: readonly PlacementNode[];
  nowMs: number;
}

interface Waiting {
  reason: string;
  /** What must be done; null where waiting is enough. */
  fix: string | null;
}

export function judgeWork(rows: readonly OperationRow[], { total, nodes, nowMs }: Surroundings): Finding {
  if (rows.length === 0) return fine('nothing waits');
  const waits = rows.map((row) => ({ row, ...whyItWaits(row, nodes, nowMs) }));
  const derivation = waits.map(({ row, reason }) => `${row.operationId} waits: ${reason}`);
  const stuck = waits.filter(({ fix }) => fix !== null);
  const [first] = stuck;
  if (first === undefined || first.fix === null) {
    return fine(`${total} wait: ${waits[0]?.reason}`, derivation);
  }
  const others = stuck.length === 1 ? '' : `, and so do ${stuck.length - 1} more`;
  return warning(`${first.row.operationId} waits: ${first.reason}${others}`, { fix: first.fix, derivation });
}

function whyItWaits(row: OperationRow, nodes: readonly PlacementNode[], nowMs: number): Waiting {
  if (row.notBeforeInMs > 0) {
    return { reason: `tried again in ${Math.ceil(row.notBeforeInMs / 1000)} s after an error`, fix: null };
  }
  if (nodes.length === 0) {
    return { reason: 'no agent is registered', fix: 'start one: ktrdr-agent run --role worker' };
  }
  const answer = place(row.needs, nodes);
  if (answer.now) {
    const waitedMs = nowMs - Date.parse(row.createdAt);
    if (waitedMs < UNCLAIMED_MS_MAX) return { reason: 'an agent takes it at its next poll', fix: null };
    return {
      reason: `an agent could take it, but none has for ${Math.round(waitedMs / 1000)} s`,
      fix: 'the log of that agent says why; restarting it is safe',
    };
  }
  if (answer.possible) return { reason: `all ${nodes.length} agents that could take it are busy`, fix: null };
  const [refusal] = answer.refusals;
  const reason = refusal === undefined ? 'no agent can take it' : `${refusal.worker_name}: ${refusal.reason}`;
  return { reason, fix: refusal?.fix ?? 'start an agent that has what it needs' };
}
