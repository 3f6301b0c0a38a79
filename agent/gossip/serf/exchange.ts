import { readSerf, type SerfState } from '#agent/gossip/wire/serf-messages';
import type { SerfContext } from './context';
import type { Events } from './events';
import { joinIntent, leaveIntent } from './intents';
import type { Queries } from './queries';

/** Serf's part of a push/pull: what a node that was away has missed. */
export function localState({ members, clocks }: SerfContext, events: Events): SerfState {
  const all = [...members.all()];
  return {
    LTime: clocks.member.now(),
    StatusLTimes: new Map(all.map(({ name, statusTime }) => [name, statusTime])),
    LeftMembers: all.filter(({ status }) => status === 'left').map(({ name }) => name),
    EventLTime: clocks.event.now(),
    Events: events.recent(),
    QueryLTime: clocks.query.now(),
  };
}

export function mergeState(parts: Parts, { state, join }: { state: Uint8Array; join: boolean }): void {
  if (state.length === 0) return;
  const message = readSerf(state);
  const { context, events, queries } = parts;
  if (message.kind !== 'state') {
    context.counters.malformed++;
    return;
  }
  const { LTime, StatusLTimes, LeftMembers, EventLTime, Events: recent, QueryLTime } = message.value;
  // Their clocks are at the time after the last thing they know of.
  context.clocks.member.witness(LTime - 1);
  context.clocks.event.witness(EventLTime - 1);
  context.clocks.query.witness(QueryLTime - 1);
  const left = new Set(LeftMembers);
  for (const [Node, time] of StatusLTimes) {
    if (left.has(Node)) leaveIntent(context, { LTime: time, Node, Prune: false, payload: undefined });
    else joinIntent(context, { LTime: time, Node, payload: undefined });
  }
  if (join) {
    events.ignoreBefore(EventLTime);
    queries.ignoreBefore(QueryLTime);
  }
  for (const at of recent) {
    for (const { Name, Payload } of at?.Events ?? [])
      events.heard({ LTime: at?.LTime ?? 0, Name, Payload, CC: false });
  }
}

interface Parts {
  readonly context: SerfContext;
  readonly events: Events;
  readonly queries: Queries;
}
