import { present } from '#agent/kit/assert';
import type { Rng } from '#agent/kit/rng';
import { isGone, type Member, type MemberStatus } from './member';

/**
 * The table of members. All are held by name; the ring holds those that count as the group (alive, suspect,
 * and gone ones until they are swept) in the order of probing; the rest are tombstones, kept so that old
 * news cannot revive them. Every operation is O(1), except sweep(), all() and those that say so.
 */
export interface Membership {
  get(name: string): Member | undefined;
  put(member: Member): void;
  /** O(1) for a tombstone, O(N) for a member of the group. */
  remove(name: string): void;
  all(): Iterable<Member>;
  /** Members of all states. */
  size(): number;
  /** N of the formulas: the group, recently dead included, as memberlist counts. */
  groupSize(): number;
  count(status: MemberStatus): number;
  /** The members of the group: O(N). */
  group(): Member[];
  /** Up to `wanted` different random members of the group that `accept` takes; may find fewer than exist. */
  random(wanted: number, accept: (member: Member) => boolean): Member[];
  /** The next one in turn that `accept` takes, or undefined after one whole turn; sweeps on wrap-around. */
  next(accept: (member: Member) => boolean, sweepable: (member: Member) => boolean): Member | undefined;
  /** Gone members outside the group, the longest buried first. */
  tombstones(): Iterable<Member>;
}

/** Enough to find three of a group of which most are gone; a bound for groups of thousands. */
const RANDOM_TRIES_MAX = 64;

export function createMembership(rng: Rng): Membership {
  const byName = new Map<string, Member>();
  const ring: string[] = [];
  const buried = new Set<string>();
  const counts: Record<MemberStatus, number> = { alive: 0, suspect: 0, failed: 0, left: 0 };
  let turn = 0;

  const get = (name: string): Member => present(byName.get(name), `member ${name} of the ring`);

  const sweep = (sweepable: (member: Member) => boolean): void => {
    let kept = 0;
    for (const name of ring) {
      if (sweepable(get(name))) buried.add(name);
      else ring[kept++] = name;
    }
    ring.length = kept;
    shuffle(ring, rng);
  };

  return {
    get: (name) => byName.get(name),
    put(member) {
      const previous = byName.get(member.name);
      byName.set(member.name, member);
      counts[member.status]++;
      if (previous !== undefined) counts[previous.status]--;
      const returns = buried.has(member.name) && !isGone(member);
      if (returns) buried.delete(member.name);
      if (previous === undefined || returns) insertAtRandom(ring, member.name, rng);
    },
    remove(name) {
      const member = byName.get(name);
      if (member === undefined) return;
      if (!buried.delete(name)) ring.splice(ring.indexOf(name), 1);
      byName.delete(name);
      counts[member.status]--;
    },
    all: () => byName.values(),
    size: () => byName.size,
    groupSize: () => ring.length,
    count: (status) => counts[status],
    group: () => ring.map(get),
    random(wanted, accept) {
      const picked: Member[] = [];
      const tries = Math.min(3 * ring.length, RANDOM_TRIES_MAX);
      for (let i = 0; i < tries && picked.length < wanted; i++) {
        const member = get(ring[rng.below(ring.length)] as string);
        if (!picked.includes(member) && accept(member)) picked.push(member);
      }
      return picked;
    },
    next(accept, sweepable) {
      for (let checked = 0; checked <= ring.length; checked++) {
        if (turn >= ring.length) {
          turn = 0;
          sweep(sweepable);
          if (ring.length === 0) return undefined;
        }
        const member = get(ring[turn++] as string);
        if (accept(member)) return member;
      }
      return undefined;
    },
    *tombstones() {
      for (const name of buried) yield get(name);
    },
  };
}

/** A newcomer is not probed last, or its first probe could be 2N − 1 periods away. */
function insertAtRandom(ring: string[], name: string, rng: Rng): void {
  ring.push(name);
  const index = rng.below(ring.length);
  ring[ring.length - 1] = ring[index] as string;
  ring[index] = name;
}

function shuffle(ring: string[], rng: Rng): void {
  for (let i = ring.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    const swapped = ring[i] as string;
    ring[i] = ring[j] as string;
    ring[j] = swapped;
  }
}
