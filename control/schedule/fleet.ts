import type { Sql } from '#control/store/sql';
import { listNodes, type NodeRow } from '#control/store/nodes';
import type { PlacementNode } from './placement';
import { verdict, type VerdictTimes } from './verdict';

/** The nodes as placement sees them: with their verdict, by the database's clock. */
export async function placementNodes(sql: Sql, times: VerdictTimes): Promise<PlacementNode[]> {
  return (await listNodes(sql)).map((row) => placementNode(row, times));
}

export function placementNode(row: NodeRow, times: VerdictTimes): PlacementNode {
  return {
    nodeId: row.nodeId,
    name: row.name,
    verdict: verdict(row, times),
    slots: row.slots,
    freeSlots: Math.max(0, row.slots - row.leases.length),
    capabilities: row.capabilities,
  };
}
