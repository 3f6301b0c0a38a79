import { expect, test } from 'bun:test';
import type { GossipMember } from '#agent/contract/gossip';
import { chosenMembers } from './member-filter';

function member(name: string, tags: Record<string, string>): GossipMember {
  return { name, status: 'alive', udp: 'ok', since_ms: 0, address: '127.0.0.1:7946', tags };
}

const members = [
  member('b', { role: 'worker', gpu: '2xH200', cpu: '16', v: '0.1.0' }),
  member('a', { role: 'control' }),
  { ...member('c', { role: 'worker', cpu: '8' }), status: 'failed' as const },
];
const names = (...filter: Parameters<typeof chosenMembers> extends [unknown, ...infer Rest] ? Rest : never) =>
  chosenMembers(members, ...filter).map(({ name }) => name);

test('chosenMembers() gives those that hold all of the filter, by name', () => {
  expect(names()).toEqual(['a', 'b', 'c']);
  expect(names({ tags: { gpu: 'h200' } })).toEqual(['b']);
  expect(names({ tags: { role: 'worker' }, status: 'failed' })).toEqual(['c']);
  // Fields by the names of the API, too.
  expect(names({ tags: { cores: '^16$', version: '0.1' } })).toEqual(['b']);
  expect(names({ tags: { gpu: 'A100' } })).toEqual([]);
  expect(names({ tags: { nosuchtag: '.' } })).toEqual([]);
});

test.each(['(a+)+$', '(?=x)', 'a**', 'x'.repeat(300)])(
  '%p is refused, since it could take for ever',
  (text) => {
    expect(() => names({ tags: { gpu: text } })).toThrow('Cannot choose by gpu=');
  },
);
