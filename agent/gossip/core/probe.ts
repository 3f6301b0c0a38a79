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
}

export interface ProberParts {
  readonly dialogs: Dialogs;
  readonly stall: Stall;
  readonly nextSequence: () => number;
  /** Accuses a member whose probe failed. */
  readonly accuse: (member: Member) => void;
}

/** Protocol versions from which a peer knows a ping over TCP, and answers with nacks. */
const TCP_PING_PROTOCOL = 3;
const NACK_PROTOCOL = 4;

export function createProber(
  context: CoreContext,
  { dialogs, stall, nextSequence, accuse }: ProberParts,
): Prober {
  const { settings, timers, members } = context;
  const degraded = new Set<string>();
  let run: ProbeRun | undefined;
  let nextTimer: Timer | undefined;

  const schedule = (atMs: number): void => {
    timers.cancel(nextTimer);
    nextTimer = timers.set(Math.max(atMs, context.nowMs), begin);
  };

  const begin = (): void => {
    const member = members.next(
      (candidate) => isOther(context, candidate) && !isGone(candidate),
      (candidate) =>
        isGone(candidate) &&
        isOther(context, candidate) &&
        context.nowMs - candidate.changedMs > settings.gossipToTheDeadMs,
    );
    if (member === undefined) {
      schedule(context.nowMs + settings.probeIntervalMs);
      return;
    }
    context.counters.probes++;
    run = {
      sequence: nextSequence(),
      member,
      startedMs: context.nowMs,
      deadlineMs: context.nowMs + context.awareness.scaleMs(settings.probeIntervalMs),
      timer: undefined,
      expectedNacks: 0,
      nacks: 0,
      answeredByTcp: false,
    };
    const current = run;
    sendFirstPing(context, pingOf(context, current), member);
    current.timer = timers.set(current.startedMs + settings.probeTimeoutMs, () => {
      askOthers(current);
    });
  };

  const askOthers = (current: ProbeRun): void => {
    const { member } = current;
    const helpers = members.random(
      settings.indirectChecks,
      (helper) => isOther(context, helper) && helper.name !== member.name && helper.status === 'alive',
    );
    for (const helper of helpers) askToPing(context, current, helper);
    if ((member.vsn[1] ?? 0) >= TCP_PING_PROTOCOL) {
      dialogs.open(member.address, pingOf(context, current), {
        timeoutMs: current.deadlineMs - context.nowMs,
        onEnd: (outcome) => {
          if (outcome.ok && outcome.message.type === 'ackResp') current.answeredByTcp = true;
        },
      });
    }
    current.timer = timers.set(current.deadlineMs, () => {
      judge(current);
    });
  };

  const judge = (current: ProbeRun): void => {
    if (current.answeredByTcp) {
      end(current, 'degraded');
      return;
    }
    run = undefined;
    context.counters.probesFailed++;
    const { expectedNacks, nacks } = current;
    // Helpers that did not even say "no answer" are a sign that it is this node that is deaf.
    context.awareness.apply(expectedNacks > 0 ? Math.max(0, expectedNacks - nacks) : 1);
    if (stall.muted()) context.counters.accusationsMuted++;
    else accuse(current.member);
    stall.probeEnded('unanswered');
    schedule(current.startedMs + settings.probeIntervalMs);
  };

  const end = (current: ProbeRun, path: UdpPath): void => {
    run = undefined;
    timers.cancel(current.timer);
    context.awareness.apply(-1);
    stall.probeEnded('answered');
    notePath(context, degraded, { name: current.member.name, path });
    schedule(current.startedMs + settings.probeIntervalMs);
  };

  return {
    // A random first beat, or a whole fleet that starts together would probe in step.
    start: () => schedule(context.nowMs + context.rng.below(settings.probeIntervalMs)),
    acked(sequence, payload) {
      if (run?.sequence !== sequence) return false;
      const { name } = run.member;
      const rttMs = context.nowMs - run.startedMs;
      // Later ones came by way of a helper, perhaps; as a distance they mean nothing.
      if (rttMs < settings.probeTimeoutMs) context.effects.push({ kind: 'round-trip', name, rttMs, payload });
      end(run, 'ok');
      return true;
    },
    nacked(sequence) {
      if (run?.sequence !== sequence) return false;
      run.nacks++;
      return true;
    },
    restart() {
      timers.cancel(run?.timer);
      run = undefined;
      schedule(context.nowMs);
    },
  };
}

function pingOf(context: CoreContext, { sequence, member }: ProbeRun): PingMessage {
  const { addr, address } = ownRecord(context);
  return {
    type: 'ping',
    SeqNo: sequence,
    Node: member.name,
    SourceAddr: addr,
    SourcePort: address.port,
    SourceNode: context.selfName,
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
