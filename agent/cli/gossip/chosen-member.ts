import type { GossipMember } from '#agent/contract/gossip';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { Session } from '#agent/cli/session';

const SHOWN_MAX = 12;

/** A member of a name, of the unique beginning of one, or of an agent's label; its name in gossip. */
export async function chosenMember(
  { client, shell }: Pick<Session, 'client' | 'shell'>,
  text: string,
): Promise<string> {
  const call = { signal: shell.signal };
  const { data: members } = await client.call('listMembers', call);
  const found = memberNamed(members, text);
  if (found !== undefined) return found.name;
  // What people set as WORKER_ID is no tag: tags are paid for by everybody.
  const { data: workers } = await client.call('listWorkers', call);
  const labelled = workers.filter(({ label }) => label?.toLowerCase() === text.toLowerCase());
  const named = members.find(({ tags }) => labelled.some(({ worker_id }) => worker_id === tags.id));
  if (named !== undefined) return named.name;
  throw unknown(members, text);
}

/** What is exactly so called goes before what only begins so. Fault(bad_request) for more than one. */
export function memberNamed(members: readonly GossipMember[], text: string): GossipMember | undefined {
  const wanted = text.toLowerCase();
  const exact = members.filter(({ name }) => name.toLowerCase() === wanted);
  const found =
    exact.length > 0 ? exact : members.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  if (found.length < 2) return found[0];
  throw new Fault(
    'bad_request',
    `Cannot choose a member: '${text.slice(0, 120)}' may be ${found.length} of them`,
    {
      hint: `name one: ${listed(found)}`,
    },
  );
}

function unknown(members: readonly GossipMember[], text: string): Fault {
  const suggestion = nearest(
    text,
    members.map(({ name }) => name),
  );
  return new Fault(
    'not_found',
    `Cannot find member '${text.slice(0, 120)}': gossip knows none of that name`,
    {
      hint:
        suggestion === undefined ? `known are: ${listed(members) || 'none'}` : `did you mean ${suggestion}?`,
    },
  );
}

function listed(members: readonly GossipMember[]): string {
  const names = members.slice(0, SHOWN_MAX).map(({ name }) => name);
  return names.join(', ') + (members.length > SHOWN_MAX ? ', …' : '');
}
