import { createClient } from '#agent/client/client';
import { tokenFile } from '#agent/client/token-file';
import type { GossipMember } from '#agent/contract/gossip';
import { Fault } from '#agent/kit/error';
import { agentPorts, askAgents } from '#agent/cli/local-state';
import type { Session } from '#agent/cli/session';

export interface MembersReading {
  members: GossipMember[];
  /** Who said it instead of the control plane, and why; undefined when that did. */
  instead: { url: string; fault: Fault } | undefined;
}

export interface MembersWanted {
  tag?: string[] | undefined;
  status?: GossipMember['status'] | undefined;
}

const ANSWER_MS_MAX = 10_000;

/** The fleet as the control plane hears it; while that is away, as an agent of this machine does. */
export async function readMembers(session: Session, query: MembersWanted): Promise<MembersReading> {
  const call = { query, signal: session.shell.signal, timeoutMs: ANSWER_MS_MAX };
  try {
    const { data: members } = await session.client.call('listMembers', call);
    return { members, instead: undefined };
  } catch (error) {
    if (!isAway(error)) throw error;
    const { ports } = agentPorts(session);
    const token = tokenFile(session.settings.values.token_file);
    for (const { url, health } of await askAgents(ports, session.shell.signal)) {
      if (health === null) continue;
      const members = await createClient({ url, token })
        .call('listMembers', call)
        .then(({ data }) => data)
        .catch(unlessAsked);
      if (members !== undefined) return { members, instead: { url, fault: error } };
    }
    throw error;
  }
}

function isAway(error: unknown): error is Fault {
  return error instanceof Fault && (error.code === 'unavailable' || error.code === 'timeout');
}

/** An agent that cannot tell, such as an older one, leaves it to the next; a wrong question stays wrong. */
function unlessAsked(error: unknown): undefined {
  if (error instanceof Fault && error.code !== 'invalid') return undefined;
  throw error;
}
