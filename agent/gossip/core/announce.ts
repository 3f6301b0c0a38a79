import type { AliveMessage, DeadMessage, SuspectMessage } from '#agent/gossip/wire/messages';
import type { CoreContext } from './context';
import type { MemberChange } from './effects';
import type { GossipRounds } from './gossip-rounds';
import { sameBytes } from './address';
import { isGone, type Member } from './member';
import { messageBytesMax } from './message-size';

/** Queues news about a member, in place of older news about it. `onDone`: sent often enough, or replaced. */
export function announce(
  context: CoreContext,
  rounds: GossipRounds,
  message: AliveMessage | SuspectMessage | DeadMessage,
  onDone?: () => void,
): void {
  const bytes = messageBytesMax(message);
  context.queue.add({ name: message.Node, message, bytes, ...(onDone === undefined ? {} : { onDone }) });
  rounds.wake();
}

/** Puts a member's new record into the table and says what changed. */
export function replace(context: CoreContext, member: Member): void {
  const previous = context.members.get(member.name);
  const change = changeBetween(previous, member);
  if (change === undefined) return;
  context.members.put(member);
  context.effects.push({ kind: 'member', change, member, previous });
}

/** Room for one member more, at the price of the tombstone that stands longest. */
export function makeRoom(context: CoreContext): boolean {
  if (context.members.size() < context.settings.limits.membersMax) return true;
  for (const member of context.members.tombstones()) {
    forget(context, member);
    return true;
  }
  context.counters.membersFull++;
  return false;
}

export function forget(context: CoreContext, member: Member): void {
  context.members.remove(member.name);
  context.effects.push({ kind: 'member', change: 'reap', member, previous: member });
}

function changeBetween(previous: Member | undefined, next: Member): MemberChange | undefined {
  if (previous === undefined) return 'join';
  if (previous.status !== next.status) {
    if (next.status !== 'alive') return next.status;
    return isGone(previous) ? 'join' : 'recover';
  }
  const isSame =
    sameBytes(previous.meta, next.meta) &&
    sameBytes(previous.vsn, next.vsn) &&
    sameBytes(previous.addr, next.addr) &&
    previous.address.port === next.address.port;
  if (!isSame) return 'update';
  return previous.incarnation === next.incarnation ? undefined : 'refresh';
}
