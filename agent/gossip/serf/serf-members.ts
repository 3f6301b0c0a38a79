import type { Member } from '#agent/gossip/core/member';
import { readTags } from '#agent/gossip/wire/serf-messages';
import { WireError } from '#agent/gossip/wire/wire-error';

/** Serf's view of a member: memberlist's, and whether it said that it would go. */
export type SerfStatus = 'alive' | 'leaving' | 'left' | 'failed';

export interface SerfMember {
  readonly name: string;
  readonly member: Member;
  readonly tags: ReadonlyMap<string, string>;
  readonly status: SerfStatus;
  /** Lamport time of the last intent about it: only later ones count. */
  readonly statusTime: number;
}

export type MemberNews = 'join' | 'update' | 'leaving' | 'left' | 'failed' | 'reap';

export interface MemberTable {
  get(name: string): SerfMember | undefined;
  all(): Iterable<SerfMember>;
  /** What memberlist says; undefined when that is no news. */
  alive(member: Member): MemberNews | undefined;
  gone(member: Member): MemberNews | undefined;
  remove(name: string): void;
  /** An intent, by Lamport time. `forward`: it was new, so others want to hear it. */
  joinIntent(name: string, time: number): { forward: boolean };
  leaveIntent(name: string, intent: { time: number; prune: boolean }): LeaveVerdict;
  expireIntents(nowMs: number): void;
}

export interface LeaveVerdict {
  forward: boolean;
  news: MemberNews | undefined;
  /** Forget the member at once. */
  prune: boolean;
}

/** Members of which only an intent was heard, at most. */
const INTENTS_MAX = 16_384;

interface Intent {
  leaves: boolean;
  time: number;
  heardMs: number;
}

export function createMemberTable(options: { nowMs: () => number; intentMs: number }): MemberTable {
  const members = new Map<string, SerfMember>();
  const intents = new Map<string, Intent>();

  const remember = (name: string, leaves: boolean, time: number): boolean => {
    const known = intents.get(name);
    if (known !== undefined && known.time >= time) return false;
    if (known === undefined && intents.size >= INTENTS_MAX) return false;
    intents.set(name, { leaves, time, heardMs: options.nowMs() });
    return true;
  };
  const change = (member: SerfMember, changes: Partial<SerfMember>): void => {
    members.set(member.name, { ...member, ...changes });
  };

  return {
    get: (name) => members.get(name),
    all: () => members.values(),
    alive(member) {
      const known = members.get(member.name);
      const tags = tagsOf(member);
      if (known === undefined) {
        members.set(member.name, newcomer(member, tags, intents.get(member.name)));
        intents.delete(member.name);
        return 'join';
      }
      const returns = known.status === 'failed' || known.status === 'left';
      change(known, { member, tags, status: returns ? 'alive' : known.status });
      if (returns) return 'join';
      return sameNode(known.member, member) ? undefined : 'update';
    },
    gone(member) {
      const known = members.get(member.name);
      if (known === undefined) return undefined;
      // Memberlist knows a leave by its sender; older nodes are known by their intent alone.
      const left = known.status === 'leaving' || known.status === 'left' || member.status === 'left';
      const status = left ? 'left' : 'failed';
      change(known, { member, status });
      return known.status === status ? undefined : status;
    },
    remove(name) {
      members.delete(name);
    },
    joinIntent(name, time) {
      const known = members.get(name);
      if (known === undefined) return { forward: remember(name, false, time) };
      if (time <= known.statusTime) return { forward: false };
      change(known, { statusTime: time, status: known.status === 'leaving' ? 'alive' : known.status });
      return { forward: true };
    },
    leaveIntent(name, { time, prune }) {
      const known = members.get(name);
      if (known === undefined) return { forward: remember(name, true, time), news: undefined, prune: false };
      if (time <= known.statusTime) return { forward: false, news: undefined, prune: false };
      // Always later from now on, also when nothing else changes: otherwise two nodes can send an
      // intent to and fro for ever (serf issue 606).
      const status = AFTER_LEAVE_INTENT[known.status];
      change(known, { statusTime: time, status });
      const news = status === known.status ? undefined : NEWS_OF_LEAVE[status];
      return { forward: true, news, prune: prune && status === 'left' };
    },
    expireIntents(nowMs) {
      for (const [name, { heardMs }] of intents) if (nowMs - heardMs > options.intentMs) intents.delete(name);
    },
  };
}

/** What was said of it before it was there counts from its first moment. */
function newcomer(member: Member, tags: SerfMember['tags'], intent: Intent | undefined): SerfMember {
  const status = intent?.leaves === true ? 'leaving' : 'alive';
  return { name: member.name, member, tags, status, statusTime: intent?.time ?? 0 };
}

const AFTER_LEAVE_INTENT: Readonly<Record<SerfStatus, SerfStatus>> = {
  alive: 'leaving',
  leaving: 'leaving',
  left: 'left',
  failed: 'left',
};
const NEWS_OF_LEAVE: Readonly<Partial<Record<SerfStatus, MemberNews>>> = { leaving: 'leaving', left: 'left' };

/** Tags that cannot be read are none: what a stranger says about itself must not stop anything. */
function tagsOf({ meta }: Member): ReadonlyMap<string, string> {
  try {
    return readTags(meta);
  } catch (error) {
    if (error instanceof WireError) return new Map();
    throw error;
  }
}

function sameNode(a: Member, b: Member): boolean {
  return (
    Buffer.compare(a.meta, b.meta) === 0 &&
    a.address.host === b.address.host &&
    a.address.port === b.address.port
  );
}
