import type { Sql } from '#control/store/sql';
import { listNodes, type NodeRow } from '#control/store/nodes';
import type { PlacementNode } from './placement';
import type { Verdict } from '#agent/contract/worker';
import { verdict, type VerdictBasis } from './verdict';

/** The nodes as placement sees them: with their verdict, by the database's clock. */
export async function placementNodes(sql: Sql, basis: VerdictBasis): Promise<PlacementNode[]> {
  return (await listNodes(sql)).map((row) => placementNode(row, basis));
}

export function placementNode(row: NodeRow, basis: VerdictBasis): PlacementNode {
  return {
    nodeId: row.nodeId,
    name: row.name,
    verdict: judge(row, basis),
    slots: row.slots,
    freeSlots: Math.max(0, row.slots - row.leases.length),
    capabilities: row.capabilities,
  };
}

/** The state of a node from its row and from what gossip says of it. */
export function judge(row: NodeRow, basis: VerdictBasis): Verdict {
  return verdict({ ...row, gossip: basis.gossip?.(row.nodeId) }, basis);
}
