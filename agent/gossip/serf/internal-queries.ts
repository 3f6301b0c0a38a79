import { encodeSerf } from '#agent/gossip/wire/serf-messages';
import type { SerfContext } from './context';
import type { IncomingQuery } from './effects';
import { answerKeyQuery } from './key-queries';

/** The answer to a query of Serf itself; undefined where the acknowledgement is enough. */
export function answerInternal(context: SerfContext, query: IncomingQuery): Uint8Array | undefined {
  if (query.name === '_serf_conflict') return conflictAnswer(context, query);
  const answer = answerKeyQuery(query.name, query.payload, context.keys);
  if (answer === undefined) return undefined;
  if (answer.keys !== undefined) {
    context.keys = answer.keys;
    context.effects.push({ kind: 'keyring', keys: answer.keys });
  }
  return encodeSerf({ kind: 'keyResponse', value: answer.response });
}

function conflictAnswer(
  { members, selfName }: SerfContext,
  { payload }: IncomingQuery,
): Uint8Array | undefined {
  const name = Buffer.from(payload).toString('utf8');
  const known = members.get(name);
  // Whoever has the name is a party, not a witness.
  if (known === undefined || name === selfName) return undefined;
  const [
    ProtocolMin = 0,
    ProtocolMax = 0,
    ProtocolCur = 0,
    DelegateMin = 0,
    DelegateMax = 0,
    DelegateCur = 0,
  ] = known.member.vsn;
  return encodeSerf({
    kind: 'conflict',
    value: {
      Name: name,
      Addr: known.member.addr,
      Port: known.member.address.port,
      Tags: known.tags,
      Status: STATUS_NUMBER[known.status],
      ProtocolMin,
      ProtocolMax,
      ProtocolCur,
      DelegateMin,
      DelegateMax,
      DelegateCur,
    },
  });
}

/** Serf's numbers: 0 is "none". */
const STATUS_NUMBER = { alive: 1, leaving: 2, left: 3, failed: 4 } as const;
