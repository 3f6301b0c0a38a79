import { connect } from 'node:net';
import type { GossipState } from '#agent/contract/gossip';
import { errorCode } from '#agent/kit/error';
import { withoutBrackets } from '#agent/kit/ip-address';

const CONNECT_MS_MAX = 1_500;

/** Why TCP does not get to a host:port; undefined when it does. UDP says nothing when it is refused. */
export async function reachGossip(address: string, signal: AbortSignal): Promise<string | undefined> {
  const colon = address.lastIndexOf(':');
  const host = withoutBrackets(address.slice(0, colon));
  const port = Number(address.slice(colon + 1));
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port });
  const end = (): void => resolve('it was interrupted');
  signal.addEventListener('abort', end, { once: true });
  socket.setTimeout(CONNECT_MS_MAX, () => resolve(`no connection within ${CONNECT_MS_MAX / 1000} s`));
  socket.once('connect', () => resolve(undefined));
  socket.once('error', (error) => resolve(errorCode(error) ?? 'it failed'));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

/** What a node that hears nobody may suffer from, the likeliest reason first by what it has seen. */
export function gossipSilence({ refused, joins }: Pick<GossipState, 'refused' | 'joins'>): {
  summary: string;
  fix: string;
} {
  const failures = joins.flatMap(({ failure }) => (failure === null ? [] : [failure]));
  if ((refused['label'] ?? 0) > 0) return SILENCES.label;
  if ((refused['undecryptable'] ?? 0) > 0) return SILENCES.keyring;
  // Whoever cannot read a request closes the connection; a closed port never takes it.
  if (failures.some((failure) => /closed the connection|not readable|ECONNRESET|reset/.test(failure))) {
    return SILENCES.either;
  }
  return failures.length > 0 ? SILENCES.port : SILENCES.unknown;
}

const KEYRING_FIX =
  'copy the keyring of the others to this machine (gossip_keyring, mode 0600) and restart it';
const LABEL_FIX = 'set gossip_label (KTRDR_GOSSIP_LABEL) as on the others and restart it';
const PORT_FIX =
  'open UDP and TCP port 7946 (gossip_port) between the machines, both ways, and see that the member to join (gossip_join) runs';

const SILENCES = {
  label: { summary: 'packets arrive, but with another label', fix: LABEL_FIX },
  keyring: { summary: 'packets arrive, but are sealed with another keyring', fix: KEYRING_FIX },
  either: {
    summary:
      'the member to join takes the connection and refuses what it reads: another keyring, or another label',
    fix: `${KEYRING_FIX}; or ${LABEL_FIX}`,
  },
  port: {
    summary: 'the member to join is not reached: its port is closed, or it does not run',
    fix: `${PORT_FIX}; if that is not it: ${KEYRING_FIX}; or ${LABEL_FIX}`,
  },
  unknown: {
    summary: 'no answer yet; the usual reasons are closed ports, another keyring or another label',
    fix: `${PORT_FIX}; ${KEYRING_FIX}; or ${LABEL_FIX}`,
  },
} as const;
