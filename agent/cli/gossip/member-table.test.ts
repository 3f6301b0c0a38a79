import { expect, test } from 'bun:test';
import type { GossipMember } from '#agent/contract/gossip';
import { createOutput } from '#agent/cli/output';
import { capturedShell } from '#test/support/captured-shell';
import { memberNamed } from './chosen-member';
import { showMembers } from './member-table';

function member(name: string, changes: Partial<GossipMember> = {}): GossipMember {
  const tags = { role: 'worker', id: 'a'.repeat(32), v: '0.1.0', cpu: '16' };
  return {
    name,
    status: 'alive',
    udp: 'ok',
    since_ms: 125_000,
    address: '192.168.1.201:7946',
    tags,
    ...changes,
  };
}

const members = [
  member('control-nas-1a2b3c4d', { tags: { role: 'control', id: 'b'.repeat(32), v: '0.1.0', api: '8000' } }),
  member('gpu-01-1a2b3c4e', {
    udp: 'degraded',
    tags: { role: 'worker', id: 'c'.repeat(32), v: '0.1.0', cpu: '64', gpu: '8xH200', ib: '1' },
  }),
  member('lxc-101-1a2b3c4f', { status: 'failed', since_ms: 7_300_000 }),
  member('old-nas', { tags: { dc: 'home' } }),
  member('evil\u001b[31m', { status: 'suspect', tags: {} }),
];

function shown(columns: number): string[] {
  const shell = capturedShell({ columns, isTty: true, environment: { NO_COLOR: '1' } });
  showMembers(createOutput(shell, false), members);
  return shell.out.trimEnd().split('\n');
}

test.each([60, 80, 100, 120])('members fit %d cells with the reason beside the state', (columns) => {
  const lines = shown(columns);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  expect(lines[0]).toMatch(/^MEMBER +STATUS +SINCE .*WHY$/);
  expect(lines.at(-1)).toBe('5 members: 3 alive, 1 failed, 1 suspect.');
});

test('each state comes with its reason, and a foreign member is shown as such', () => {
  const text = shown(200).join('\n');
  expect(text).toMatch(/^gpu-01-\S+ +alive +2 min ago +degraded +worker .* 8xH200 +64 +yes .*TCP only$/m);
  expect(text).toMatch(/^lxc-101-\S+ +failed +2 h ago .* answers nobody; .*$/m);
  expect(text).toMatch(/^old-nas +alive .* foreign .* no ktrdr-agent, such as plain serf$/m);
  expect(text).not.toContain('\u001b');
});

test('memberNamed() takes a name or its unique beginning', () => {
  expect(memberNamed(members, 'GPU-01')?.name).toBe('gpu-01-1a2b3c4e');
  expect(memberNamed(members, 'old-nas')?.name).toBe('old-nas');
  expect(memberNamed(members, 'nobody')).toBeUndefined();
  const twins = [member('lxc-1'), member('lxc-10'), member('lxc-11')];
  expect(memberNamed(twins, 'lxc-1')?.name).toBe('lxc-1');
  expect(() => memberNamed(twins, 'lxc')).toThrow("Cannot choose a member: 'lxc' may be 3 of them");
});
