/** What is claimed about members, weighed against what is held: the rules of SWIM. */
import type { AliveMessage, DeadMessage, PushNodeState, SuspectMessage } from '#agent/gossip/wire/messages';
import { NODE_STATE } from '#agent/gossip/wire/messages';
import { sameBytes, type Address } from './address';
import { announce, makeRoom, replace } from './announce';
import { weighDeath, weighSuspicion } from './accusations';
import { checkAccusation, checkAlive } from './claim-check';
import { reply, type CoreContext } from './context';
import type { GossipRounds } from './gossip-rounds';
import { aliveMessage, isGone, memberOf, type Member } from './member';
import { ownRecord, refuteClaim } from './own-record';
import type { Suspicions } from './suspicions';

export interface Claims {
  alive(claim: AliveMessage): void;
  /** `from`: who sent the packet, if it was one. */
  suspect(claim: SuspectMessage, from?: Address): void;
  dead(claim: DeadMessage, from?: Address): void;
  /** The members of a push/pull, one by one. */
  merge(nodes: readonly PushNodeState[]): void;
  /** This node's own probe of `member` failed; `deserted`: its machine says that nobody listens there. */
  accuse(member: Member, deserted: boolean): void;
}

export function createClaims(context: CoreContext, rounds: GossipRounds, suspicions: Suspicions): Claims {
  const { members } = context;
  const parts = { context, rounds, suspicions };

  const alive = (claim: AliveMessage): void => {
    const addr = checkAlive(context, claim);
    if (addr === undefined) return;
    const held = members.get(claim.Node);
    if (claim.Node === context.selfName) {
      if (held !== undefined) aliveAboutSelf(context, rounds, { claim, addr, held });
      return;
    }
    if (held === undefined) {
      if (!makeRoom(context)) return;
    } else if (!isNews(context, { claim, addr, held })) return;
    suspicions.end(claim.Node);
    replace(context, memberOf(claim, addr, context.nowMs));
    announce(context, rounds, claim);
  };

  const suspect: Claims['suspect'] = (claim, from) => {
    if (!checkAccusation(context, claim)) return;
    if (claim.Node === context.selfName) accusedSelf(context, rounds, { claim, from });
    else weighSuspicion(parts, claim, from);
  };

  const dead: Claims['dead'] = (claim, from) => {
    if (!checkAccusation(context, claim)) return;
    if (claim.Node === context.selfName) accusedSelf(context, rounds, { claim, from });
    else weighDeath(parts, claim, from);
  };

  suspicions.onExpiry((member) => {
    weighDeath(parts, {
      type: 'dead',
      Incarnation: member.incarnation,
      Node: member.name,
      From: context.selfName,
    });
  });

  return {
    alive,
    suspect,
    dead,
    merge(nodes) {
      for (const node of nodes) mergeOne(node, { alive, suspect, dead, selfName: context.selfName });
    },
    accuse({ name, incarnation }, deserted) {
      weighSuspicion(parts, {
        type: 'suspect',
        Incarnation: incarnation,
        Node: name,
        From: context.selfName,
      });
      if (deserted) suspicions.desert(name);
    },
  };
}

interface AliveClaim {
  readonly claim: AliveMessage;
  readonly addr: Uint8Array;
  readonly held: Member;
}

/** Whether an alive claim about another, known member changes anything. */
function isNews(context: CoreContext, { claim, addr, held }: AliveClaim): boolean {
  const moved = !sameBytes(addr, held.addr) || claim.Port !== held.address.port;
  if (moved && !isGone(held)) {
    // Two machines with one name: the first holds it until it is gone.
    reportConflict(context, { claim, addr, held });
    return false;
  }
  if (context.parts.precedence.aliveWins(claim.Incarnation, held.incarnation)) return true;
  if (isGone(held)) tellTheDead(context, { claim, addr, held });
  return false;
}

/**
 * Somebody believes in a member that is dead here at the same or a later incarnation: a restart that forgot
 * its incarnation would wait for ever. It is told at its own address, so that it refutes at once.
 */
function tellTheDead(context: CoreContext, { claim, addr, held }: AliveClaim): void {
  const { address } = memberOf(claim, addr, context.nowMs);
  const { name, incarnation } = held;
  reply(context, address, [
    { type: 'suspect', Incarnation: incarnation, Node: name, From: context.selfName },
  ]);
}

/**
 * Refutes an accusation. One that was refuted already shows that its sender missed that: it is told directly,
 * or it would hold to its suspicion until the end.
 */
function accusedSelf(
  context: CoreContext,
  rounds: GossipRounds,
  { claim, from }: { claim: SuspectMessage | DeadMessage; from: Address | undefined },
): void {
  const own = ownRecord(context);
  if (context.parts.precedence.accusationWins(claim.Incarnation, own.incarnation))
    refuteClaim(context, rounds, claim.Incarnation);
  else if (from !== undefined && !context.leaving) reply(context, from, [aliveMessage(own)]);
}

function aliveAboutSelf(context: CoreContext, rounds: GossipRounds, news: AliveClaim): void {
  const { claim, addr, held } = news;
  if (!sameBytes(addr, held.addr) || claim.Port !== held.address.port) {
    // A clone, or a former life of ours elsewhere: by its incarnation alone nobody can tell, since the one
    // that started later has the higher one. Whoever listens asks the group, and asks again.
    reportConflict(context, news);
    return;
  }
  const isOurs =
    claim.Incarnation === held.incarnation &&
    sameBytes(claim.Meta, held.meta) &&
    sameBytes(claim.Vsn, held.vsn);
  if (claim.Incarnation >= held.incarnation && !isOurs) refuteClaim(context, rounds, claim.Incarnation);
}

function reportConflict(context: CoreContext, { claim, addr, held }: AliveClaim): void {
  context.counters.conflicts++;
  const { address } = memberOf(claim, addr, context.nowMs);
  context.effects.push({ kind: 'conflict', held, claimant: address });
}

/** A push/pull is hearsay: what it calls dead is only suspected here, so that the member can object. */
function mergeOne(
  node: PushNodeState,
  { alive, suspect, dead, selfName }: Pick<Claims, 'alive' | 'suspect' | 'dead'> & { selfName: string },
): void {
  const { Name, Addr, Port, Meta, Vsn, Incarnation, State } = node;
  if (State === NODE_STATE.alive) alive({ type: 'alive', Incarnation, Node: Name, Addr, Port, Meta, Vsn });
  else if (State === NODE_STATE.left) dead({ type: 'dead', Incarnation, Node: Name, From: Name });
  else suspect({ type: 'suspect', Incarnation, Node: Name, From: selfName });
}
