import type { GossipMember } from '#agent/contract/gossip';
import type { GossipEvidence } from '#agent/contract/worker';
import { readNodeTags, type NodeTags } from '#agent/contract/node-tags';
import { urlHost } from '#agent/kit/ip-address';
import type { GossipNode, Happening } from '#agent/gossip/driver/node';
import type { SerfMember } from '#agent/gossip/serf/serf-members';

/** What gossip says of the nodes of the fleet, by their ids. Evidence only: leases decide. */
export interface FleetEvidence extends Disposable {
  of(nodeId: string): GossipEvidence | undefined;
  /** Everybody, also members that are none of ours. */
  members(): GossipMember[];
  /** URLs of the control planes that are there, in a stable order. */
  controlUrls(): string[];
}

/** Follows a node of gossip; `bootMs` is the clock that ages are counted on. */
export function followFleet(node: GossipNode, bootMs: () => number): FleetEvidence {
  const udp = new Map<string, 'ok' | 'degraded'>();
  const suspects = new Set<string>();
  const namesakes = new Map<string, Namesake>();
  const since = new Map<string, number>();
  const listener = node.listen((happening) => {
    note(happening);
  });

  const note = (happening: Happening): void => {
    if (happening.kind === 'udp-path') udp.set(happening.name, happening.path);
    if (happening.kind === 'conflict') {
      const { name } = happening.held;
      const { host, port } = happening.claimant;
      const before = namesakes.get(name);
      const nowMs = bootMs();
      const firstMs = before !== undefined && nowMs - before.lastMs < NAMESAKE_MS ? before.firstMs : nowMs;
      if (namesakes.size < NAMESAKES_MAX) {
        namesakes.set(name, { address: `${urlHost(host)}:${port}`, firstMs, lastMs: nowMs });
      }
    }
    if (happening.kind !== 'member') return;
    const { name } = happening.member;
    since.set(name, bootMs());
    if ('news' in happening) {
      if (happening.news !== 'reap') return;
      for (const forget of [udp, since, namesakes]) forget.delete(name);
    } else if (happening.change === 'suspect') suspects.add(name);
    else suspects.delete(name);
  };

  const describe = ({ name, status }: SerfMember): GossipEvidence => ({
    status: status === 'alive' && suspects.has(name) ? 'suspect' : status,
    udp: udp.get(name) ?? 'ok',
    since_ms: Math.max(0, Math.round(bootMs() - (since.get(name) ?? bootMs()))),
    namesake: namesakeOf(name),
  });

  /** A node that moved is claimed twice for seconds; a copy goes on. */
  const namesakeOf = (name: string): string | null => {
    const found = namesakes.get(name);
    if (found === undefined || bootMs() - found.lastMs > NAMESAKE_MS) return null;
    return found.lastMs - found.firstMs >= NAMESAKE_MS ? found.address : null;
  };

  return {
    members: () =>
      node.members().map((member) => {
        const { status, udp: path, since_ms } = describe(member);
        const { host, port } = member.member.address;
        return {
          name: member.name,
          status,
          udp: path,
          since_ms,
          address: `${urlHost(host)}:${port}`,
          tags: Object.fromEntries(member.tags),
        };
      }),
    of(nodeId) {
      // A node that moved or was cloned can have two members for a while: the one that is there counts.
      const members = ours(node).filter(({ tags }) => tags.id === nodeId);
      const found = members.find(({ member }) => member.status === 'alive') ?? members[0];
      return found && describe(found.member);
    },
    controlUrls: () =>
      ours(node)
        .filter(({ member, tags }) => tags.role === 'control' && member.status === 'alive')
        .flatMap(({ member, tags }) =>
          tags.apiPort === null ? [] : [`http://${urlHost(member.member.address.host)}:${tags.apiPort}`],
        )
        .toSorted(),
    [Symbol.dispose]: () => listener[Symbol.dispose](),
  };
}

interface Namesake {
  address: string;
  firstMs: number;
  lastMs: number;
}

/** Longer than a moved node needs to be believed: suspicion, and two exchanges of states. */
const NAMESAKE_MS = 90_000;
const NAMESAKES_MAX = 256;

function ours(node: GossipNode): Array<{ member: SerfMember; tags: NodeTags }> {
  return node.members().flatMap((member) => {
    const tags = readNodeTags(member.tags);
    return tags === undefined ? [] : [{ member, tags }];
  });
}
