import type { PushPullMessage } from '#agent/gossip/wire/messages';
import type { Address } from './address';
import type { Claims } from './claims';
import { speaksOurProtocol } from './claim-check';
import { isOther, type CoreContext } from './context';
import type { Dialogs } from './dialogs';
import type { DialogOutcome } from './effects';
import { pushNodeState } from './member';
import { pushPullIntervalMs } from './settings';
import type { Timer } from './timer-heap';

/**
 * Full states exchanged over a stream with a random member: what makes every view equal in the end, whatever
 * gossip lost.
 */
export interface PushPull {
  start(): void;
  /** Exchanges states with whoever listens there; `onEnd` gets the reason when it failed. */
  exchange(to: Address, join: boolean, onEnd?: (failure: string | undefined) => void): void;
  /** A state from a peer; our own to answer with, or the reason why there is none. */
  answer(message: PushPullMessage): { readonly state: PushPullMessage } | { readonly refusal: string };
  /** With a random member, now: this node has missed something. */
  soon(): void;
}

export function createPushPull(
  context: CoreContext,
  claims: Pick<Claims, 'merge'>,
  dialogs: Dialogs,
): PushPull {
  const { settings, timers, members } = context;
  let timer: Timer | undefined;

  /** The reason of a refusal, or nothing. */
  const merge = ({ nodes, userState, Join }: PushPullMessage): string | undefined => {
    if (nodes.length > 2 * settings.limits.membersMax || !speaksOurProtocol(nodes)) {
      context.counters.refusedMerges++;
      return nodes.length > 2 * settings.limits.membersMax ? 'too many members' : 'incompatible protocol';
    }
    claims.merge(nodes);
    if (userState.length > 0) context.effects.push({ kind: 'user-state', join: Join, state: userState });
    return undefined;
  };

  const mergeAnswer = (outcome: DialogOutcome): string | undefined => {
    if (!outcome.ok) return outcome.reason;
    return outcome.message.type === 'pushPull' ? merge(outcome.message) : 'unexpected answer';
  };

  const exchange: PushPull['exchange'] = (to, join, onEnd) => {
    const opened = dialogs.open(to, localState(context, join), {
      timeoutMs: settings.tcpTimeoutMs,
      onEnd: (outcome) => {
        const failure = mergeAnswer(outcome);
        onEnd?.(failure);
      },
    });
    if (!opened) onEnd?.('too many streams');
  };

  const withRandomMember = (): void => {
    const [member] = members.random(
      1,
      (candidate) => isOther(context, candidate) && candidate.status === 'alive',
    );
    if (member !== undefined) exchange(member.address, false);
  };
  const schedule = (delayMs: number): void => {
    timer = timers.set(context.nowMs + delayMs, () => {
      withRandomMember();
      schedule(pushPullIntervalMs(settings.pushPullIntervalMs, members.groupSize()));
    });
  };

  return {
    start: () => schedule(context.rng.below(settings.pushPullIntervalMs)),
    exchange,
    answer(message) {
      // The answer is what we knew before: the peer need not hear its own news again.
      const state = localState(context, message.Join);
      const refusal = merge(message);
      return refusal === undefined ? { state } : { refusal };
    },
    soon() {
      timers.cancel(timer);
      schedule(0);
    },
  };
}

function localState({ members, user }: CoreContext, join: boolean): PushPullMessage {
  const nodes = members.group().map((member) => pushNodeState(member));
  return { type: 'pushPull', Join: join, nodes, userState: user.localState(join) };
}
