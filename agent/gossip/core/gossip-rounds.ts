import type { Timer } from './timer-heap';
import { isOther, send, type CoreContext } from './context';
import { isGone, type Member } from './member';
import { withBroadcasts } from './packing';

/** Rounds of gossip: what is new goes to a few random members, again and again, until it is old. */
export interface GossipRounds {
  /** There may be something to send. */
  wake(): void;
}

/**
 * memberlist gossips on a ticker. Here a round starts as soon as there is something to say, if the last one
 * is gossipIntervalMs ago: the same number of packets, half an interval earlier on every hop, and no timer
 * at all in a quiet group.
 */
export function createGossipRounds(context: CoreContext): GossipRounds {
  const { gossipIntervalMs, gossipNodes } = context.settings;
  let lastRoundMs = -Infinity;
  let timer: Timer | undefined;

  const round = (): void => {
    timer = undefined;
    const targets = context.members.random(gossipNodes, (member) => wantsGossip(context, member));
    if (targets.length === 0) {
      // Nobody found by chance: again. A group of one keeps its news for whoever joins; the queue is bounded.
      if (context.members.groupSize() > 1)
        timer = context.timers.set(context.nowMs + gossipIntervalMs, round);
      return;
    }
    for (const { address } of targets) {
      const messages = withBroadcasts(context);
      if (messages.length === 0) return;
      lastRoundMs = context.nowMs;
      send(context, address, messages);
    }
    wake();
  };
  const wake = (): void => {
    timer ??= context.timers.set(Math.max(context.nowMs, lastRoundMs + gossipIntervalMs), round);
  };
  return { wake };
}

function wantsGossip(context: CoreContext, member: Member): boolean {
  if (!isOther(context, member)) return false;
  if (!isGone(member)) return true;
  // A failed member that is alive after all must hear of it to refute.
  return member.status === 'failed' && context.nowMs - member.changedMs <= context.settings.gossipToTheDeadMs;
}
