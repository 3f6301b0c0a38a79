/**
 * The failure detector. One member is probed per interval, in turn:
 *   t0                          ping
 *   t0 + probeTimeout           indirectChecks others are asked to ping it, and a ping goes over TCP
 *   t0 + probeInterval × (h+1)  without any answer it is accused; h is the health score at t0
 * A late answer to the first ping counts until the end.
 */
import { isOther, send, type CoreContext } from './context';
import type { Dialogs } from './dialogs';
import type { UdpPath } from './effects';
import { isGone, type Member } from './member';
import { ownRecord } from './own-record';
import { withBroadcasts } from './packing';
import type { PingMessage } from '#agent/gossip/wire/messages';
import type { Stall } from './stall';
import type { Timer } from './timer-heap';

export interface Prober {
  start(): void;
  /** True when the ack was for this prober. */
  acked(sequence: number, payload: Uint8Array): boolean;
  nacked(sequence: number): boolean;
  /** Somebody suspects this member: it may come before its turn, so that enough agree soon, or it objects. */
  verify(name: string): void;
  /** Drops the probe under way without a verdict and begins another: its time was not real. */
  restart(): void;
}

interface ProbeRun {
  readonly sequence: number;
  readonly member: Member;
  readonly startedMs: number;
  readonly deadlineMs: number;
  timer: Timer | undefined;
  expectedNacks: number;
  nacks: number;
  answeredByTcp: boolean;
  deserted: boolean;
}

export interface ProberParts {
  readonly dialogs: Dialogs;
  readonly stall: Stall;
  readonly nextSequence: () => number;
  /** Accuses a member whose probe failed; `deserted`: its machine says that nobody listens there. */
  readonly accuse: (member: Member, deserted: boolean) => void;
}

/** Protocol versions from which a peer knows a ping over TCP, and answers with nacks. */
const TCP_PING_PROTOCOL = 3;
const NACK_PROTOCOL = 4;

/** Suspects of others that wait to be probed before their turn. */
const DOUBTED_MAX = 16;

interface ProberState extends ProberParts {
  readonly context: CoreContext;
  /** Members that answer over TCP only. */
  readonly degraded: Set<string>;
  /** Suspects of others that are to be probed before their turn. */
  readonly doubted: string[];
  isVerifying: boolean;
  run: ProbeRun | undefined;
  nextTimer: Timer | undefined;
}

export function createProber(context: CoreContext, parts: ProberParts): Prober {
  const state: ProberState = {
    ...parts,
    context,
    degraded: new Set(),
    doubted: [],
    isVerifying: false,
    run: undefined,
    nextTimer: undefined,
  };
  return {
    // A random first beat, or a whole fleet that starts together would probe in step.
    start: () => {
      schedule(state, context.nowMs + context.rng.below(context.settings.probeIntervalMs));
    },
    acked(sequence, payload) {
      const { run } = state;
      if (run?.sequence !== sequence) return false;
      const { name } = run.member;
      const rttMs = context.nowMs - run.startedMs;
      // Later ones came by way of a helper, perhaps; as a distance they mean nothing.
      if (rttMs < context.settings.probeTimeoutMs)
        context.effects.push({ kind: 'round-trip', name, rttMs, payload });
      end(state, run, 'ok');
      return true;
    },
    nacked(sequence) {
      if (state.run?.sequence !== sequence) return false;
      state.run.nacks++;
      return true;
    },
    verify(name) {
      const { verifiers } = context.settings;
      if (verifiers === 0 || state.doubted.length >= DOUBTED_MAX) return;
      if (context.rng.next() * context.members.groupSize() < verifiers) state.doubted.push(name);
    },
    restart() {
      context.timers.cancel(state.run?.timer);
      state.run = undefined;
      schedule(state, context.nowMs);
    },
  };
}

function schedule(state: ProberState, atMs: number): void {
  const { timers, nowMs } = state.context;
  timers.cancel(state.nextTimer);
  state.nextTimer = timers.set(Math.max(atMs, nowMs), () => {
    begin(state);
  });
}

function begin(state: ProberState): void {
  const { context } = state;
  const { settings, nowMs } = context;
  const member = nextDoubted(state) ?? nextMember(context);
  if (member === undefined) {
    schedule(state, nowMs + settings.probeIntervalMs);
    return;
  }
  context.counters.probes++;
  const run: ProbeRun = {
    sequence: state.nextSequence(),
    member,
    startedMs: nowMs,
    deadlineMs: nowMs + context.awareness.scaleMs(settings.probeIntervalMs),
    timer: undefined,
    expectedNacks: 0,
    nacks: 0,
    answeredByTcp: false,
    deserted: false,
  };
  state.run = run;
  sendFirstPing(context, pingOf(context, run), member);
  run.timer = context.timers.set(nowMs + settings.probeTimeoutMs, () => {
    askOthers(state, run);
  });
}

/** At most every second probe, or a crash of many would keep the others from being found. */
function nextDoubted(state: ProberState): Member | undefined {
  let member: Member | undefined;
  while (!state.isVerifying && member === undefined && state.doubted.length > 0) {
    const held = state.context.members.get(state.doubted.shift() ?? '');
    if (held?.status === 'suspect') member = held;
  }
  state.isVerifying = member !== undefined;
  return member;
}

/** The next in turn; when the turn is over, those that are gone for long leave the ring. */
function nextMember(context: CoreContext): Member | undefined {
  const { settings, nowMs, members } = context;
  return members.next(
    (candidate) => isOther(context, candidate) && !isGone(candidate),
    (candidate) =>
      isGone(candidate) &&
      isOther(context, candidate) &&
      nowMs - candidate.changedMs > settings.gossipToTheDeadMs,
  );
}

function askOthers(state: ProberState, run: ProbeRun): void {
  const { context, dialogs } = state;
  const { member } = run;
  const helpers = context.members.random(
    context.settings.indirectChecks,
    (helper) => isOther(context, helper) && helper.name !== member.name && helper.status === 'alive',
  );
  for (const helper of helpers) askToPing(context, run, helper);
  if ((member.vsn[1] ?? 0) >= TCP_PING_PROTOCOL) {
    dialogs.open(member.address, pingOf(context, run), {
      timeoutMs: run.deadlineMs - context.nowMs,
      onEnd: (outcome) => {
        if (!outcome.ok) run.deserted = outcome.deserted === true;
        else if (outcome.message.type === 'ackResp') run.answeredByTcp = true;
      },
    });
  }
  run.timer = context.timers.set(run.deadlineMs, () => {
    judge(state, run);
  });
}

function judge(state: ProberState, run: ProbeRun): void {
  const { context, stall, accuse } = state;
  if (run.answeredByTcp) {
    end(state, run, 'degraded');
    return;
  }
  state.run = undefined;
  context.counters.probesFailed++;
  const { expectedNacks, nacks } = run;
  // Helpers that did not even say "no answer" are a sign that it is this node that is deaf.
  context.awareness.apply(expectedNacks > 0 ? Math.max(0, expectedNacks - nacks) : 1);
  if (stall.muted()) context.counters.accusationsMuted++;
  else accuse(run.member, run.deserted);
  stall.probeEnded('unanswered');
  schedule(state, run.startedMs + context.settings.probeIntervalMs);
}

function end(state: ProberState, run: ProbeRun, path: UdpPath): void {
  const { context, stall, degraded } = state;
  state.run = undefined;
  context.timers.cancel(run.timer);
  context.awareness.apply(-1);
  stall.probeEnded('answered');
  notePath(context, degraded, { name: run.member.name, path });
  schedule(state, run.startedMs + context.settings.probeIntervalMs);
}

/** Without SourceNode: the answer goes to the address, and a quiet group sends little else than this. */
function pingOf(context: CoreContext, { sequence, member }: ProbeRun): PingMessage {
  const { addr, address } = ownRecord(context);
  return {
    type: 'ping',
    SeqNo: sequence,
    Node: member.name,
    SourceAddr: addr,
    SourcePort: address.port,
  };
}

/** The buddy system of Lifeguard: a suspect hears of it first, with the ping, and can refute at once. */
function sendFirstPing(context: CoreContext, ping: PingMessage, member: Member): void {
  const { name, incarnation, status, address } = member;
  if (status === 'alive') {
    send(context, address, withBroadcasts(context, ping));
    return;
  }
  send(context, address, [
    ping,
    { type: 'suspect', Incarnation: incarnation, Node: name, From: context.selfName },
  ]);
}

function askToPing(context: CoreContext, run: ProbeRun, helper: Member): void {
  const wantsNack = (helper.vsn[1] ?? 0) >= NACK_PROTOCOL;
  if (wantsNack) run.expectedNacks++;
  const { addr, address } = ownRecord(context);
  const request = {
    type: 'indirectPing',
    SeqNo: run.sequence,
    Target: run.member.addr,
    Port: run.member.address.port,
    Node: run.member.name,
    Nack: wantsNack,
    SourceAddr: addr,
    SourcePort: address.port,
    SourceNode: context.selfName,
  } as const;
  send(context, helper.address, withBroadcasts(context, request));
}

/** Says when a member begins, or ceases, to answer over TCP only. */
function notePath(
  { effects }: CoreContext,
  degraded: Set<string>,
  { name, path }: { name: string; path: UdpPath },
): void {
  if (path === 'degraded' ? degraded.has(name) : !degraded.delete(name)) return;
  if (path === 'degraded') degraded.add(name);
  effects.push({ kind: 'udp-path', name, path });
}
