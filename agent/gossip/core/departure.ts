/** How members go: this one by its own will, failed ones by an operator's, all of them out of the table in the end. */
import type { DeadMessage } from '#agent/gossip/wire/messages';
import { announce, forget, replace } from './announce';
import type { Claims } from './claims';
import { isOther, send, type CoreContext } from './context';
import type { GossipRounds } from './gossip-rounds';
import { isGone, type Member } from './member';
import { ownRecord } from './own-record';

const TOLD_DIRECTLY = 6;

/**
 * Says to the group that this node leaves, and waits until that has been sent often enough, or
 * leaveTimeoutMs. The node goes on answering until its process ends.
 */
export function leave(context: CoreContext, rounds: GossipRounds, dialogsAwaited: number): void {
  if (context.leaving) return;
  context.leaving = true;
  let done = false;
  const finish = (announced: boolean): void => {
    if (done) return;
    done = true;
    context.effects.push({ kind: 'leave-done', announced });
  };
  const own = ownRecord(context);
  replace(context, { ...own, status: 'left', changedMs: context.nowMs });
  const { name, incarnation } = own;
  const farewell: DeadMessage = { type: 'dead', Incarnation: incarnation, Node: name, From: name };
  announce(context, rounds, farewell, () => {
    finish(true);
  });
  // In a small group gossip sends it twice, and both may go to members that have just died.
  const isThere = (member: Member): boolean => isOther(context, member) && !isGone(member);
  const all = context.members.group().filter(isThere);
  const told = all.length <= TOLD_DIRECTLY ? all : context.members.random(TOLD_DIRECTLY, isThere);
  for (const { address } of told) send(context, address, [farewell]);
  // Nobody to tell, and nobody who may be answering a join: that one knows of this node already.
  const others = context.members.count('alive') + context.members.count('suspect');
  if (others === 0 && dialogsAwaited === 0) finish(true);
  context.timers.set(context.nowMs + context.settings.leaveTimeoutMs, () => {
    finish(false);
  });
}

/** A failed member becomes a left one, for every peer of ours that hears of it; memberlist's keep it dead. */
export function forceLeave(context: CoreContext, claims: Pick<Claims, 'dead'>, name: string): void {
  const held = context.members.get(name);
  if (held?.status === 'failed')
    claims.dead({ type: 'dead', Incarnation: held.incarnation, Node: name, From: name });
}

export function forgetGone(context: CoreContext, name: string): void {
  const held = context.members.get(name);
  if (held !== undefined && isGone(held) && isOther(context, held)) forget(context, held);
}

/** Tombstones go when their retention is over. */
export function startReaping(context: CoreContext): void {
  const { reapIntervalMs } = context.settings;
  const reap = (): void => {
    const over = [...context.members.tombstones()].filter((member) => isOver(context, member));
    for (const member of over) forget(context, member);
    context.timers.set(context.nowMs + reapIntervalMs, reap);
  };
  context.timers.set(context.nowMs + reapIntervalMs, reap);
}

function isOver({ settings, nowMs }: CoreContext, { status, changedMs }: Member): boolean {
  const retentionMs = status === 'left' ? settings.leftRetentionMs : settings.failedRetentionMs;
  return nowMs - changedMs > retentionMs;
}
