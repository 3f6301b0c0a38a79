import type { GossipMember, MemberFilter } from '#agent/contract/gossip';
import { tagNamed } from '#agent/contract/node-tags';
import { Fault } from '#agent/kit/error';
import { expression } from '#agent/gossip/serf/query-filter';

/** Those that the filter means, by name. Fault(invalid) for an expression that is not understood. */
export function chosenMembers(
  members: readonly GossipMember[],
  { tags: wantedTags = {}, status: wantedStatus }: Partial<MemberFilter> = {},
): GossipMember[] {
  const wanted = tagPatterns(wantedTags);
  return members
    .filter(({ status, tags }) => {
      if (wantedStatus !== undefined && wantedStatus !== status) return false;
      return wanted.every(({ name, pattern }) => {
        const value = tags[name];
        // People write h200 for H200; a query to other agents is as exact as theirs.
        return value !== undefined && new RegExp(pattern, 'i').test(value);
      });
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The tags by their names on the wire. Fault(invalid) for an expression that nobody would understand. */
export function tagPatterns(tags: MemberFilter['tags']): Array<{ name: string; pattern: RegExp }> {
  return Object.entries(tags).map(([name, text]) => {
    const pattern = expression(text);
    if (pattern !== undefined) return { name: tagNamed(name), pattern };
    const shown = text.slice(0, 80);
    throw new Fault(
      'invalid',
      `Cannot choose by ${name}=${shown}: it is no expression that this agent reads`,
      {
        hint: 'letters, digits, . [a-z] ^ $ | and at most two of * and +; without groups that repeat',
      },
    );
  });
}
