/**
 * Serf's layer above memberlist, without any I/O: members that leave of their own will, tags, events,
 * queries, keys and coordinates. Inputs and the time go in, effects come out, as with the core.
 */
import type { UserLayer } from '#agent/gossip/core/context';
import type { Effect as CoreEffect } from '#agent/gossip/core/effects';
import {
  encodeCoordinate,
  encodeSerf,
  encodeTags,
  META_BYTES_MAX,
  readCoordinate,
  readSerf,
} from '#agent/gossip/wire/serf-messages';
import { WireError } from '#agent/gossip/wire/wire-error';
import { createConflicts } from './conflicts';
import {
  createSerfContext,
  transmitLimit,
  type LamportTimes,
  type SerfContext,
  type SerfCounters,
  type SerfOptions,
} from './context';
import { distance } from './coordinates';
import { SerfRefusal, type SerfEffect, type SerfInput } from './effects';
import { createEvents, type Events } from './events';
import { localState, mergeState } from './exchange';
import { announceJoin, forceLeave, joinIntent, leave, leaveIntent, tell } from './intents';
import { answerInternal } from './internal-queries';
import { createQueries, type Queries } from './queries';
import type { SerfMember } from './serf-members';

export interface Serf {
  /** For the core: what rides on its packets and exchanges. */
  readonly userLayer: UserLayer;
  /** Throws SerfRefusal for a wish of the caller that cannot be granted; never for what the network sent. */
  handle(nowMs: number, input: SerfInput): SerfEffect[];
  /** When the next `tick` is wanted; Infinity for never. */
  nextTimerMs(): number;
  members(): Iterable<SerfMember>;
  member(name: string): SerfMember | undefined;
  /** To be kept for the next life. */
  times(): LamportTimes;
  /** Estimated round trip between two members, seconds; undefined before their coordinates are known. */
  roundTrip(a: string, b: string): number | undefined;
  counters(): Readonly<SerfCounters>;
}

interface Assembly {
  readonly context: SerfContext;
  readonly events: Events;
  readonly queries: Queries;
  readonly onConflict: () => void;
}

export function createSerf(options: SerfOptions): Serf {
  const context = createSerfContext(options);
  const conflicts = createConflicts(context, (request) => queries.ask(request));
  const queries = createQueries(context, {
    deliver(query) {
      context.effects.push({ kind: 'query', query });
    },
    answerInternal: (query) => answerInternal(context, query),
    onAnswer(id, from, payload) {
      if (!conflicts.answer(id, payload)) context.effects.push({ kind: 'query-response', id, from, payload });
    },
    onDone(id) {
      if (!conflicts.done(id)) context.effects.push({ kind: 'query-done', id });
    },
  });
  const assembly: Assembly = {
    context,
    events: createEvents(context),
    queries,
    onConflict: () => conflicts.ask(),
  };
  const expireIntents = (): void => {
    context.members.expireIntents(context.nowMs);
    context.timers.set(context.nowMs + INTENT_SWEEP_MS, expireIntents);
  };
  context.timers.set(0, expireIntents);
  return {
    userLayer: userLayer(assembly),
    handle(nowMs, input) {
      context.nowMs = Math.max(context.nowMs, nowMs);
      dispatch(assembly, input);
      for (;;) {
        const timer = context.timers.takeDue(context.nowMs);
        if (timer === undefined) break;
        timer.run?.();
      }
      const { effects } = context;
      context.effects = [];
      return effects;
    },
    nextTimerMs: () => context.timers.nextMs(),
    members: () => context.members.all(),
    member: (name) => context.members.get(name),
    times: () => ({
      member: context.clocks.member.now(),
      event: context.clocks.event.now(),
      query: context.clocks.query.now(),
    }),
    roundTrip(a, b) {
      const [from, to] = [coordinateOf(context, a), coordinateOf(context, b)];
      return from && to && distance(from, to);
    },
    counters: () => context.counters,
  };
}

const INTENT_SWEEP_MS = 60_000;

function dispatch(assembly: Assembly, input: SerfInput): void {
  const { context, events, queries } = assembly;
  switch (input.kind) {
    case 'tick':
      return;
    case 'core':
      return fromCore(assembly, input.effect);
    case 'event':
      return events.fire(input);
    case 'query':
      return queries.ask(input.query);
    case 'respond':
      return queries.respond(input.query, input.payload);
    case 'cancel-query':
      return queries.cancel(input.id);
    case 'leave':
      return leave(context);
    case 'force-leave':
      return forceLeave(context, input);
    case 'set-tags':
      return setTags(context, input.tags);
  }
}

function fromCore(assembly: Assembly, effect: CoreEffect): void {
  const { context } = assembly;
  switch (effect.kind) {
    case 'member':
      return memberChanged(context, effect);
    case 'user':
      return guarded(context, () => userMessage(assembly, effect.payload));
    case 'user-state':
      return guarded(context, () => mergeState(assembly, effect));
    case 'round-trip':
      return guarded(context, () => {
        const coordinate = readCoordinate(effect.payload);
        if (coordinate !== null) context.coordinates.observe(effect.name, coordinate, effect.rttMs / 1000);
      });
    case 'conflict':
      if (effect.held.name === context.selfName) assembly.onConflict();
      break;
    case 'join-result':
      if (effect.failure === undefined) announceJoin(context);
      break;
    default:
  }
}

function memberChanged(
  context: SerfContext,
  { change, member }: Extract<CoreEffect, { kind: 'member' }>,
): void {
  switch (change) {
    case 'join':
    case 'update':
    case 'recover':
      return tell(context, member.name, context.members.alive(member));
    case 'failed':
    case 'left':
      return tell(context, member.name, context.members.gone(member));
    case 'reap': {
      tell(context, member.name, 'reap');
      context.members.remove(member.name);
      context.coordinates.forget(member.name);
      break;
    }
    // Serf knows no suspects, and a higher incarnation alone is no news.
    case 'suspect':
    case 'refresh':
  }
}

function userMessage({ context, events, queries }: Assembly, payload: Uint8Array): void {
  const message = readSerf(payload);
  switch (message.kind) {
    case 'leave':
      return leaveIntent(context, { ...message.value, payload });
    case 'join':
      return joinIntent(context, { ...message.value, payload });
    case 'event':
      return events.heard(message.value);
    case 'query':
      return queries.heard(message.value);
    case 'response':
      return queries.answered(message.value);
    case 'relay':
      return queries.relay(message);
    case 'state':
    case 'conflict':
    case 'keyRequest':
    case 'keyResponse':
      // They have their place inside other messages.
      context.counters.malformed++;
  }
}

function setTags(context: SerfContext, tags: ReadonlyMap<string, string>): void {
  const meta = encodeTags(tags);
  if (meta.length > META_BYTES_MAX) {
    throw new SerfRefusal(`the tags have ${meta.length} bytes, ${META_BYTES_MAX} are allowed`);
  }
  context.tags = tags;
  context.effects.push({ kind: 'core', input: { kind: 'set-meta', meta } });
}

function userLayer({ context, events }: Assembly): UserLayer {
  return {
    localState: () => encodeSerf({ kind: 'state', value: localState(context, events) }),
    ackPayload: () => encodeCoordinate(context.coordinates.own()),
    broadcasts: (spaceBytes, overheadBytes) =>
      context.queue
        .take(spaceBytes, overheadBytes, transmitLimit(context))
        .flatMap((message) => (message.type === 'user' ? [message.payload] : [])),
  };
}

function coordinateOf({ coordinates, selfName }: SerfContext, name: string) {
  return name === selfName ? coordinates.own() : coordinates.of(name);
}

/** What strangers send may be nonsense, which is counted and otherwise without consequence. */
function guarded(context: SerfContext, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof WireError) && !(error instanceof SerfRefusal)) throw error;
    context.counters.malformed++;
  }
}
