/** The one record that only this node changes: its own. */
import { present } from '#agent/kit/assert';
import { announce, replace } from './announce';
import type { CoreContext } from './context';
import type { GossipRounds } from './gossip-rounds';
import { aliveMessage, INCARNATION_MAX, type Member } from './member';

export function ownRecord(context: CoreContext): Member {
  return present(context.members.get(context.selfName), 'own record');
}

/** Raises the incarnation above a claim that is not true, and says so to everybody. */
export function refuteClaim(context: CoreContext, rounds: GossipRounds, claimed: number): void {
  if (context.leaving) return;
  const own = ownRecord(context);
  context.counters.refutations++;
  // Whoever is accused was probably slow.
  context.awareness.apply(1);
  raise(context, rounds, {
    ...own,
    incarnation: context.parts.precedence.refutation(own.incarnation, claimed),
  });
}

export function changeOwnMeta(context: CoreContext, rounds: GossipRounds, meta: Uint8Array): void {
  const own = ownRecord(context);
  raise(context, rounds, { ...own, meta, incarnation: own.incarnation + 1 });
}

function raise(context: CoreContext, rounds: GossipRounds, own: Member): void {
  // The end of all numbers: peers refuse more, and a restart under a new name is the only way on.
  if (own.incarnation > INCARNATION_MAX) {
    context.counters.incarnationTooHigh++;
    return;
  }
  context.effects.push({ kind: 'persist', incarnation: own.incarnation });
  replace(context, own);
  announce(context, rounds, aliveMessage(own));
}
