import type { GossipCounts, GossipMember, GossipState } from '#agent/contract/gossip';
import { urlHost } from '#agent/kit/ip-address';
import type { GossipNode } from '#agent/gossip/driver/node';

/** What became of the members that this node was told to join. */
export interface Joins extends Disposable {
  list(): GossipState['joins'];
}

const JOINS_MAX = 64;

export function followJoins(node: GossipNode): Joins {
  const failures = new Map<string, string | null>();
  const listener = node.listen((happening) => {
    if (happening.kind !== 'join-result') return;
    const { host, port } = happening.seed;
    const address = `${urlHost(host)}:${port}`;
    if (failures.size < JOINS_MAX || failures.has(address)) failures.set(address, happening.failure ?? null);
  });
  return {
    list: () => [...failures].map(([address, failure]) => ({ address, failure })),
    [Symbol.dispose]: () => listener[Symbol.dispose](),
  };
}

export function gossipState(
  node: GossipNode,
  parts: { label: string; members: readonly GossipMember[]; joins: Joins },
): GossipState {
  const health = node.health();
  const [sealing] = node.keys() ?? [];
  return {
    name: node.name,
    address: `${urlHost(node.address.host)}:${node.address.port}`,
    keys: node.keys()?.length ?? 0,
    sealing: sealing === undefined ? null : fingerprint(sealing),
    label: parts.label,
    counts: countsOf(parts.members),
    joins: parts.joins.list(),
    score: health.score,
    refused: Object.fromEntries(Object.entries(health.problems).filter(([, count]) => count > 0)),
    packets_sent: health.packetsSent,
    packets_received: health.packetsReceived,
  };
}

function countsOf(members: readonly GossipMember[]): GossipCounts {
  const count = (of: (member: GossipMember) => boolean): number => members.filter(of).length;
  return {
    members: members.length,
    alive: count(isThere),
    failed: count(({ status }) => status === 'failed'),
    udp_degraded: count((member) => isThere(member) && member.udp === 'degraded'),
  };
}

export function isThere({ status }: GossipMember): boolean {
  return status === 'alive' || status === 'suspect';
}

/** Tells keys apart without showing them: the first 8 hex digits of the SHA-256. */
export function fingerprint(key: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(key).digest('hex').slice(0, 8);
}
