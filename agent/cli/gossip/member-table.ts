import type { GossipMember } from '#agent/contract/gossip';
import { readNodeTags, type NodeTags } from '#agent/contract/node-tags';
import { age } from '#agent/cli/ages';
import { plural } from '#agent/cli/figures';
import type { Output } from '#agent/cli/output';
import { paintState } from '#agent/cli/style';
import type { Column } from '#agent/cli/table';
import { printable } from '#agent/cli/text';

interface Row {
  member: GossipMember;
  /** Undefined for a member that is none of ours. */
  tags: NodeTags | undefined;
}

/** One line a member: its state and since when, what it is and has, and what that state means. */
export function showMembers(output: Output, members: readonly GossipMember[]): void {
  const rows = members.map((member) => ({
    member,
    tags: readNodeTags(new Map(Object.entries(member.tags))),
  }));
  output.table(rows, columnsFor(rows, output));
  output.line();
  output.line(`${countsOf(members)}.`);
}

function columnsFor(rows: readonly Row[], { style }: Output): Array<Column<Row>> {
  const hasGpu = rows.some(({ tags }) => tags?.gpu !== null && tags?.gpu !== undefined);
  const gpu: Column<Row> = {
    header: 'GPU',
    cell: ({ tags }) => shown(tags?.gpu),
    widthMin: 8,
    optional: true,
  };
  return [
    { header: 'MEMBER', cell: ({ member }) => member.name, widthMin: 14, overflow: 'middle' },
    {
      header: 'STATUS',
      cell: ({ member }) => member.status,
      paint: (text, { member: { status } }) => text.replace(status, paintState(style, status)),
    },
    { header: 'SINCE', cell: ({ member }) => age(-member.since_ms, 0), align: 'right' },
    { header: 'UDP', cell: ({ member }) => member.udp, optional: true },
    { header: 'ROLE', cell: ({ tags }) => tags?.role ?? 'foreign', optional: true },
    { header: 'ADDRESS', cell: ({ member }) => member.address, optional: true },
    ...(hasGpu ? [gpu] : []),
    { header: 'CORES', cell: ({ tags }) => shown(tags?.cores), align: 'right', optional: true },
    { header: 'IB', cell: ({ tags }) => (tags?.ib === true ? 'yes' : '–'), optional: true },
    { header: 'VERSION', cell: ({ tags }) => shown(tags?.version), widthMin: 7, optional: true },
    { header: 'WHY', cell: reasonOf, widthMin: 18, overflow: 'wrap' },
  ];
}

/** What stands behind the state, and what may be done about it. */
export function reasonOf({ member: { status, udp }, tags }: Row): string {
  switch (status) {
    case 'suspect':
      return 'does not answer probes; failed soon, unless it objects';
    case 'failed':
      return 'answers nobody; back by itself when it can, or: leave';
    case 'leaving':
      return 'said that it goes';
    case 'left':
      return 'went of its own will, or was told to';
    case 'alive':
      if (udp === 'degraded') return 'UDP is blocked one way or both: TCP only';
      return tags === undefined ? 'no ktrdr-agent, such as plain serf' : '';
  }
}

function countsOf(members: readonly GossipMember[]): string {
  const counts = new Map<string, number>();
  for (const { status } of members) counts.set(status, (counts.get(status) ?? 0) + 1);
  const parts = [...counts].map(([status, count]) => `${count} ${status}`);
  return `${plural(members.length, 'member')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function shown(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? '–' : printable(String(value));
}
