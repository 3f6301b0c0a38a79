import type { Address } from '#agent/gossip/core/address';
import { ipText, normalizedIp } from '#agent/gossip/core/address';
import {
  encodeSerf,
  QUERY_FLAG,
  readSerf,
  RESPONSE_FLAG,
  type Query,
  type QueryResponse,
  type RelayMessage,
} from '#agent/gossip/wire/serf-messages';
import { broadcast, sendTo, type SerfContext } from './context';
import { SerfRefusal, type IncomingQuery, type QueryRequest } from './effects';
import { passes } from './query-filter';
import { createSeenRing } from './seen-ring';
import { queryTimeoutMs } from './settings';

/** Questions to everybody, or to those that filters choose, and their answers. */
export interface Queries {
  ask(request: QueryRequest): void;
  heard(query: Query): void;
  /** Answers a query of somebody; SerfRefusal when it is too late or too large. */
  respond(query: IncomingQuery, payload: Uint8Array): void;
  answered(response: QueryResponse): void;
  relay(message: RelayMessage): void;
  cancel(id: number): void;
  ignoreBefore(time: number): void;
}

/** Internal queries begin so; Serf answers them itself. */
export const INTERNAL_PREFIX = '_serf_';

export interface QueryHandlers {
  /** A query of this product or of the user. */
  readonly deliver: (query: IncomingQuery) => void;
  /** A query of Serf itself; the payload of the answer, undefined for none. */
  readonly answerInternal: (query: IncomingQuery) => Uint8Array | undefined;
  /** An answer to an internal query of ours. */
  readonly onAnswer: (id: number, from: string, payload: Uint8Array) => void;
  readonly onDone: (id: number) => void;
}

interface OpenQuery {
  readonly lamportTime: number;
  readonly acked: Set<string>;
  readonly responded: Set<string>;
}

export function createQueries(context: SerfContext, handlers: QueryHandlers): Queries {
  const { settings, clocks } = context;
  const ring = createSeenRing<number>(settings.ringLength, (a, b) => a === b);
  const open = createOpenQueries(context, handlers);

  const answer = (query: IncomingQuery, flags: number, payload: Uint8Array): void => {
    const { lamportTime: LTime, id: ID } = query;
    const value = { LTime, ID, From: context.selfName, Flags: flags, Payload: payload };
    if (query.from === context.selfName) return open.answered(value);
    const response = { kind: 'response', value } as const;
    sendTo(context, query.to, response);
    relayThroughOthers(context, query, encodeSerf(response));
  };

  const take = (query: Query): void => {
    clocks.query.witness(query.LTime);
    if (!ring.add(query.LTime, query.ID, clocks.query.now())) return;
    if ((query.Flags & QUERY_FLAG.noBroadcast) === 0) {
      broadcast(context, `query ${query.LTime} ${query.ID}`, encodeSerf({ kind: 'query', value: query }));
    }
    if (!passes(query.Filters, { name: context.selfName, tags: context.tags })) return;
    const incoming = incomingOf(context, query);
    if (incoming === undefined) {
      context.counters.malformed++;
      return;
    }
    if ((query.Flags & QUERY_FLAG.ack) !== 0) answer(incoming, RESPONSE_FLAG.ack, new Uint8Array(0));
    if (!query.Name.startsWith(INTERNAL_PREFIX)) return handlers.deliver(incoming);
    const payload = handlers.answerInternal(incoming);
    if (payload !== undefined) answer(incoming, 0, payload);
  };

  return {
    ask(request) {
      const query = queryOf(context, request);
      checkSize('a query', encodeSerf({ kind: 'query', value: query }), settings.queryBytesMax);
      open.begin(query);
      take(query);
    },
    heard: take,
    respond(query, payload) {
      if (context.nowMs > query.deadlineMs) throw new SerfRefusal('its time is over');
      checkSize('a response', payload, settings.responseBytesMax);
      answer(query, 0, payload);
    },
    answered: (response) => open.answered(response),
    relay: (message) => relay(context, message),
    cancel: (id) => open.finish(id),
    ignoreBefore: (time) => ring.ignoreBefore(time),
  };
}

interface OpenQueries {
  /** SerfRefusal when too many are open. */
  begin(query: Query): void;
  answered(response: QueryResponse): void;
  finish(id: number): void;
}

/** The questions of this node that wait for answers, each until its time is over. */
function createOpenQueries(context: SerfContext, handlers: QueryHandlers): OpenQueries {
  const { settings } = context;
  const open = new Map<number, OpenQuery>();
  const finish = (id: number): void => {
    if (open.delete(id)) handlers.onDone(id);
  };
  return {
    begin({ ID, LTime, Timeout }) {
      if (open.size >= settings.openQueriesMax)
        throw new SerfRefusal(`${open.size} queries are open already`);
      open.set(ID, { lamportTime: LTime, acked: new Set(), responded: new Set() });
      context.timers.set(context.nowMs + Timeout / 1e6, () => finish(ID));
    },
    answered({ LTime, ID, From, Flags, Payload }) {
      const query = open.get(ID);
      if (query === undefined || query.lamportTime !== LTime) {
        context.counters.strayAnswers++;
        return;
      }
      const isAck = (Flags & RESPONSE_FLAG.ack) !== 0;
      const before = isAck ? query.acked : query.responded;
      // Copies come by relays.
      if (before.has(From) || before.size >= settings.answersMax) return;
      before.add(From);
      if (isAck) context.effects.push({ kind: 'query-ack', id: ID, from: From });
      else handlers.onAnswer(ID, From, Payload);
    },
    finish,
  };
}

/** Passes an answer on, to members only, or anybody could use this node to send anything anywhere. */
function relay(context: SerfContext, { value, inner }: RelayMessage): void {
  const target = context.members.get(value.DestName)?.member.address;
  const addr = normalizedIp(value.DestAddr.IP);
  const isMember = target !== undefined && addr !== undefined && target.host === ipText(addr);
  if (!isMember || target.port !== value.DestAddr.Port || !isResponse(inner)) {
    context.counters.refusedRelays++;
    return;
  }
  context.effects.push({ kind: 'send', to: target, payload: inner });
}

function queryOf(context: SerfContext, request: QueryRequest): Query {
  const { settings, gossip, groupSize } = context;
  const wanted = request.timeoutMs ?? queryTimeoutMs(gossip.gossipIntervalMs, groupSize());
  const timeoutMs = Math.min(Math.max(wanted, settings.queryTimeoutMinMs), settings.queryTimeoutMaxMs);
  const { addr, address } = context.selfAddress();
  return {
    LTime: context.clocks.query.next(),
    ID: request.id,
    Addr: addr,
    Port: address.port,
    SourceNode: context.selfName,
    Filters: request.filters,
    Flags: request.wantsAcks ? QUERY_FLAG.ack : 0,
    RelayFactor: request.relayFactor,
    Timeout: Math.round(timeoutMs * 1e6),
    Name: request.name,
    Payload: request.payload,
  };
}

/** Undefined for an address that is none. */
function incomingOf(context: SerfContext, query: Query): IncomingQuery | undefined {
  const addr = normalizedIp(query.Addr);
  if (addr === undefined || query.Port === 0) return undefined;
  const timeoutMs = Math.min(Math.max(query.Timeout / 1e6, 0), context.settings.queryTimeoutMaxMs);
  return {
    lamportTime: query.LTime,
    id: query.ID,
    name: query.Name,
    payload: query.Payload,
    from: query.SourceNode,
    to: { host: ipText(addr), port: query.Port },
    relayFactor: query.RelayFactor,
    deadlineMs: context.nowMs + timeoutMs,
  };
}

/** More copies than this do not make an answer surer, only a query a weapon. */
const RELAYS_MAX = 5;

/** Copies of an answer by way of random members, where the straight way may be closed. */
function relayThroughOthers(context: SerfContext, query: IncomingQuery, response: Uint8Array): void {
  const wanted = Math.min(query.relayFactor, RELAYS_MAX);
  if (wanted === 0) return;
  const destination = context.members.get(query.from);
  if (destination === undefined) return;
  const { addr, address } = destination.member;
  const header = { DestAddr: { IP: addr, Port: address.port, Zone: '' }, DestName: query.from };
  const payload = encodeSerf({ kind: 'relay', value: header, inner: response });
  for (const to of randomMembers(context, wanted, query.from))
    context.effects.push({ kind: 'send', to, payload });
}

function randomMembers(context: SerfContext, wanted: number, besides: string): Address[] {
  const eligible = [...context.members.all()].filter(
    ({ name, status }) => status === 'alive' && name !== context.selfName && name !== besides,
  );
  const chosen: Address[] = [];
  while (chosen.length < wanted && eligible.length > 0) {
    const [member] = eligible.splice(context.rng.below(eligible.length), 1);
    if (member !== undefined) chosen.push(member.member.address);
  }
  return chosen;
}

/** What is relayed are answers; anything else would let a message arrive as if from this node. */
function isResponse(inner: Uint8Array): boolean {
  try {
    return readSerf(inner).kind === 'response';
  } catch {
    return false;
  }
}

function checkSize(what: string, bytes: Uint8Array, bytesMax: number): void {
  if (bytes.length <= bytesMax) return;
  throw new SerfRefusal(`${what} of ${bytes.length} bytes is too large, ${bytesMax} are allowed`);
}
