/** Suspicion and death of other members: what an accusation changes, and whether it is worth passing on. */
import type { DeadMessage, SuspectMessage } from '#agent/gossip/wire/messages';
import { announce, replace } from './announce';
import type { Address } from './address';
import { reply, type CoreContext } from './context';
import type { GossipRounds } from './gossip-rounds';
import { isGone, type Member } from './member';
import type { Suspicions } from './suspicions';

export interface AccusationParts {
  readonly context: CoreContext;
  readonly rounds: GossipRounds;
  readonly suspicions: Suspicions;
}

export function weighSuspicion(
  { context, rounds, suspicions }: AccusationParts,
  claim: SuspectMessage,
  from?: Address,
): void {
  const { members, parts } = context;
  const held = members.get(claim.Node);
  if (from !== undefined) tellOfDeparture(context, { claim, held, from });
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

export function weighDeath(
  { context, rounds, suspicions }: AccusationParts,
  claim: DeadMessage,
  from?: Address,
): void {
  const { members, parts } = context;
  const held = members.get(claim.Node);
  if (from !== undefined) tellOfDeparture(context, { claim, held, from });
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

/**
 * Whoever accuses a member that has left did not hear it leave, and would call it failed for as long as it
 * is remembered.
 */
function tellOfDeparture(
  context: CoreContext,
  { claim, held, from }: { claim: SuspectMessage | DeadMessage; held: Member | undefined; from: Address },
): void {
  const { Node, From, Incarnation } = claim;
  if (held?.status !== 'left' || From === Node || Incarnation > held.incarnation) return;
  reply(context, from, [{ type: 'dead', Incarnation: held.incarnation, Node, From: Node }]);
}
