import type { GossipMember } from '#agent/contract/gossip';
import type { GossipEvidence } from '#agent/contract/worker';
import { readNodeTags } from '#agent/contract/node-tags';
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
  const directory = openDirectory(node);
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
    directory.changed();
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

  const listener = node.listen(note);
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
      const members = directory.byId(nodeId);
      const found = members.find(({ status }) => status === 'alive') ?? members[0];
      return found && describe(found);
    },
    controlUrls: () => directory.controlUrls(),
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

interface Directory {
  /** Members that say they are this node. */
  byId(nodeId: string): SerfMember[];
  controlUrls(): string[];
  /** Something about a member is new. */
  changed(): void;
}

/** Names by what their tags say, found anew only after a change: every request and every row of a table asks. */
function openDirectory(node: GossipNode): Directory {
  let names: { byId: Map<string, string[]>; controls: Array<{ name: string; apiPort: number }> } | undefined;
  const read = (): NonNullable<typeof names> => {
    const byId = new Map<string, string[]>();
    const controls: Array<{ name: string; apiPort: number }> = [];
    for (const { name, tags: written } of node.members()) {
      const tags = readNodeTags(written);
      if (tags === undefined) continue;
      byId.set(tags.id, [...(byId.get(tags.id) ?? []), name]);
      if (tags.role === 'control' && tags.apiPort !== null) controls.push({ name, apiPort: tags.apiPort });
    }
    return { byId, controls };
  };
  return {
    byId(nodeId) {
      names ??= read();
      return (names.byId.get(nodeId) ?? []).flatMap((name) => node.member(name) ?? []);
    },
    controlUrls() {
      names ??= read();
      return names.controls
        .flatMap(({ name, apiPort }) => {
          const member = node.member(name);
          if (member?.status !== 'alive') return [];
          return [`http://${urlHost(member.member.address.host)}:${apiPort}`];
        })
        .toSorted();
    },
    changed() {
      names = undefined;
    },
  };
}
