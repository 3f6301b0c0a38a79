import { encodeSerf } from '#agent/gossip/wire/serf-messages';
import { broadcast, type SerfContext } from './context';
import { SerfRefusal } from './effects';
import type { MemberNews } from './serf-members';

/** Who comes and who goes of its own will, by Lamport time. */
export interface HeardIntent {
  LTime: number;
  Node: string;
  /** As it came, to be passed on; undefined when it came in a push/pull, which is news enough. */
  payload: Uint8Array | undefined;
}

export function joinIntent(context: SerfContext, { LTime, Node, payload }: HeardIntent): void {
  context.clocks.member.witness(LTime);
  const { forward } = context.members.joinIntent(Node, LTime);
  if (forward && payload !== undefined) broadcast(context, `join ${Node}`, payload);
}

export function leaveIntent(context: SerfContext, intent: HeardIntent & { Prune: boolean }): void {
  const { LTime, Node, Prune, payload } = intent;
  context.clocks.member.witness(LTime);
  if (Node === context.selfName && !context.leaving) return contradict(context, LTime);
  const { forward, news, prune } = context.members.leaveIntent(Node, { time: LTime, prune: Prune });
  if (forward && payload !== undefined) broadcast(context, `leave ${Node}`, payload);
  tell(context, Node, news);
  if (!forward) return;
  if (prune) context.effects.push({ kind: 'core', input: { kind: 'forget', name: Node } });
}

/** Somebody says that this node leaves, and it does not: a later join overrides it. */
function contradict(context: SerfContext, heardTime: number): void {
  const own = context.members.get(context.selfName);
  if (own === undefined || heardTime > own.statusTime) announceJoin(context);
}

/** This node is here, whatever was said before. */
export function announceJoin(context: SerfContext): void {
  const value = { LTime: context.clocks.member.next(), Node: context.selfName };
  joinIntent(context, { ...value, payload: encodeSerf({ kind: 'join', value }) });
}

/** Tells everybody, waits until they can have heard it, then lets the core leave. */
export function leave(context: SerfContext): void {
  if (context.leaving) return;
  context.leaving = true;
  const value = { LTime: context.clocks.member.next(), Node: context.selfName, Prune: false };
  const payload = encodeSerf({ kind: 'leave', value });
  tell(
    context,
    value.Node,
    context.members.leaveIntent(value.Node, { time: value.LTime, prune: false }).news,
  );
  let done = false;
  const leaveCore = (): void => {
    if (!done) context.effects.push({ kind: 'core', input: { kind: 'leave' } });
    done = true;
  };
  const { settings } = context;
  if (context.groupSize() <= 1) return leaveCore();
  broadcast(context, `leave ${value.Node}`, payload, () => {
    context.timers.set(context.nowMs + settings.leavePropagateMs, leaveCore);
  });
  context.timers.set(context.nowMs + settings.broadcastTimeoutMs, leaveCore);
}

/** On behalf of a member that failed and will not come back. */
export function forceLeave(context: SerfContext, { name, prune }: { name: string; prune: boolean }): void {
  const member = context.members.get(name);
  if (member === undefined) throw new SerfRefusal(`there is no member ${name}`);
  if (name === context.selfName) throw new SerfRefusal('it is this node: let it leave instead');
  const value = { LTime: context.clocks.member.next(), Node: name, Prune: prune };
  leaveIntent(context, { ...value, payload: encodeSerf({ kind: 'leave', value }) });
  if (!prune) context.effects.push({ kind: 'core', input: { kind: 'force-leave', name } });
}

/** A change of a member, for whoever listens. */
export function tell(context: SerfContext, name: string, news: MemberNews | undefined): void {
  const member = context.members.get(name);
  if (news !== undefined && member !== undefined) context.effects.push({ kind: 'member', news, member });
}
