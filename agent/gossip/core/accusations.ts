/** Suspicion and death of other members: what an accusation changes, and whether it is worth passing on. */
import type { DeadMessage, SuspectMessage } from '#agent/gossip/wire/messages';
import { announce, replace } from './announce';
import type { CoreContext } from './context';
import type { GossipRounds } from './gossip-rounds';
import { isGone } from './member';
import type { Suspicions } from './suspicions';

export interface AccusationParts {
  readonly context: CoreContext;
  readonly rounds: GossipRounds;
  readonly suspicions: Suspicions;
}

export function weighSuspicion(
  { context, rounds, suspicions }: AccusationParts,
  claim: SuspectMessage,
): void {
  const { members, parts } = context;
  const held = members.get(claim.Node);
  if (held === undefined || !parts.precedence.accusationWins(claim.Incarnation, held.incarnation)) return;
  if (isGone(held)) {
    // A dead member that was alive later than we knew: an old "alive" must not revive it (the hole of
    // memberlist), and what it once said about leaving is over.
    if (claim.Incarnation > held.incarnation)
      replace(context, { ...held, incarnation: claim.Incarnation, status: 'failed' });
    return;
  }
  const isFirst = held.status === 'alive';
  replace(context, {
    ...held,
    incarnation: claim.Incarnation,
    status: 'suspect',
    changedMs: isFirst ? context.nowMs : held.changedMs,
  });
  const isWorthPassingOn = isFirst
    ? suspicions.begin(claim.Node, claim.From)
    : suspicions.confirm(claim.Node, claim.From);
  if (isWorthPassingOn) announce(context, rounds, claim);
}

export function weighDeath({ context, rounds, suspicions }: AccusationParts, claim: DeadMessage): void {
  const { members, parts } = context;
  const held = members.get(claim.Node);
  if (held === undefined || !parts.precedence.accusationWins(claim.Incarnation, held.incarnation)) return;
  const status = claim.From === claim.Node ? 'left' : 'failed';
  // At the same incarnation what a member said itself outranks what others found.
  if (
    isGone(held) &&
    claim.Incarnation === held.incarnation &&
    (held.status === 'left' || status === 'failed')
  )
    return;
  suspicions.end(claim.Node);
  const changedMs = held.status === status ? held.changedMs : context.nowMs;
  replace(context, { ...held, incarnation: claim.Incarnation, status, changedMs });
  if (held.status !== status) announce(context, rounds, claim);
}
