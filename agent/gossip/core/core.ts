/**
 * SWIM with Lifeguard as memberlist 0.5 does it, without any I/O: inputs and the time go in, effects come
 * out. One seed and one list of inputs give the same effects on every machine.
 */
import { assert } from '#agent/kit/assert';
import type { Rng } from '#agent/kit/rng';
import type { VersionBytes } from '#agent/gossip/wire/messages';
import { ipText, normalizedIp } from './address';
import { announce, replace } from './announce';
import { createAnswers, type Answers } from './answers';
import { createClaims, type Claims } from './claims';
import {
  createContext,
  NO_USER_LAYER,
  STANDARD_PARTS,
  type CoreContext,
  type CoreParts,
  type UserLayer,
} from './context';
import { forceLeave, forgetGone, leave, startReaping } from './departure';
import { createDialogs, type Dialogs } from './dialogs';
import type { Counters, Effect, Input } from './effects';
import { createGossipRounds, type GossipRounds } from './gossip-rounds';
import { aliveMessage, OUR_VERSION, startingIncarnation, type Member, type MemberStatus } from './member';
import { changeOwnMeta, ownRecord } from './own-record';
import { createProber, type Prober } from './probe';
import { createPushPull, type PushPull } from './push-pull';
import { answerDialog, receive } from './receive';
import { createReconnect, type Reconnect } from './reconnect';
import { createSequence } from './sequence';
import type { GossipLimits, GossipSettings } from './settings';
import { createStall, type Stall } from './stall';
import { createSuspicions, type Suspicions } from './suspicions';

export interface CoreOptions {
  readonly name: string;
  /** What the others are to send to: 4 or 16 bytes. */
  readonly addr: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly vsn?: VersionBytes;
  readonly settings: GossipSettings;
  readonly rng: Rng;
  /** The last incarnation of the effect `persist`, if it was kept, and the wall clock of the start. */
  readonly boot: { readonly persistedIncarnation?: number; readonly unixSeconds: number };
  /** Members to begin with, entered without a word: a simulation of thousands cannot join them one by one. */
  readonly known?: readonly Member[];
  readonly user?: UserLayer;
  /** Only tests pass other parts than the standard ones. */
  readonly parts?: CoreParts;
}

export interface GossipCore {
  /** Enters this node into its own table and sets the first timers. */
  start(nowMs: number): Effect[];
  /** Times are of a monotonic clock, in milliseconds; an earlier time than the last counts as the last. */
  handle(nowMs: number, input: Input): Effect[];
  /** When the next `tick` is wanted; Infinity before the start. */
  nextTimerMs(): number;
  self(): Member;
  member(name: string): Member | undefined;
  members(): Iterable<Member>;
  count(status: MemberStatus): number;
  counters(): Readonly<Counters>;
  readonly limits: GossipLimits;
  health(): CoreHealth;
}

export interface CoreHealth {
  /** Lifeguard's score: 0 is healthy. */
  readonly score: number;
  /** Whether accusations are held back after a standstill. */
  readonly muted: boolean;
  readonly queued: number;
  readonly timers: number;
}

interface Assembly {
  readonly context: CoreContext;
  readonly rounds: GossipRounds;
  readonly stall: Stall;
  readonly suspicions: Suspicions;
  readonly claims: Claims;
  readonly dialogs: Dialogs;
  readonly prober: Prober;
  readonly answers: Answers;
  readonly pushPull: PushPull;
  readonly reconnect: Reconnect;
}

export function createGossipCore(options: CoreOptions): GossipCore {
  const assembly = assemble(options);
  const { context, stall } = assembly;
  let started = false;

  const enter = (nowMs: number): void => {
    context.lastInputMs = context.nowMs;
    context.nowMs = Math.max(context.nowMs, nowMs);
    context.effects = [];
    context.repliesLeft = context.settings.limits.repliesPerPacketMax;
  };

  return {
    start(nowMs) {
      assert(!started, 'a gossip core starts once');
      started = true;
      enter(nowMs);
      begin(assembly, options);
      return context.effects;
    },
    handle(nowMs, input) {
      assert(started, 'a gossip core is started before it handles anything');
      enter(nowMs);
      // Whoever was handling inputs a moment ago was awake, however late its timers are.
      const lateMs = context.nowMs - Math.max(context.timers.nextMs(), context.lastInputMs);
      if (lateMs > 0) wakeUp(assembly, lateMs);
      if (input.kind === 'tick') runTimers(context);
      else dispatch(assembly, input);
      return context.effects;
    },
    nextTimerMs: () => context.timers.nextMs(),
    self: () => ownRecord(context),
    member: (name) => context.members.get(name),
    members: () => context.members.all(),
    count: (status) => context.members.count(status),
    counters: () => context.counters,
    limits: context.settings.limits,
    health: () => ({
      score: context.awareness.score(),
      muted: stall.muted(),
      queued: context.queue.length(),
      timers: context.timers.size(),
    }),
  };
}

function assemble({ name, settings, rng, user, parts }: CoreOptions): Assembly {
  const context = createContext({
    selfName: name,
    settings,
    rng,
    user: user ?? NO_USER_LAYER,
    parts: parts ?? STANDARD_PARTS,
  });
  const nextSequence = createSequence(rng);
  const rounds = createGossipRounds(context);
  const stall = createStall(context);
  const dialogs = createDialogs(context);
  const suspicions = createSuspicions(context, dialogs, () => stall.muted());
  const claims = createClaims(context, rounds, suspicions);
  const prober = createProber(context, {
    dialogs,
    stall,
    nextSequence,
    accuse: (member, deserted) => {
      claims.accuse(member, deserted);
    },
  });
  suspicions.onHearsay((name) => {
    prober.verify(name);
  });
  const answers = createAnswers(context, prober, nextSequence);
  const pushPull = createPushPull(context, claims, dialogs);
  const reconnect = createReconnect(context, pushPull);
  return { context, rounds, stall, suspicions, claims, dialogs, prober, answers, pushPull, reconnect };
}

function begin(
  { context, rounds, prober, pushPull, reconnect }: Assembly,
  { name, addr, port, meta, vsn, boot, known = [] }: CoreOptions,
): void {
  for (const member of known) context.members.put(member);
  const bytes = normalizedIp(addr);
  assert(bytes !== undefined, 'an address has 4 or 16 bytes');
  assert(meta.length <= context.settings.limits.metaBytesMax, 'tags are within the limit of the wire');
  const own: Member = {
    name,
    addr: bytes,
    address: { host: ipText(bytes), port },
    meta,
    vsn: vsn ?? OUR_VERSION,
    incarnation: startingIncarnation(boot),
    status: 'alive',
    changedMs: context.nowMs,
  };
  context.effects.push({ kind: 'persist', incarnation: own.incarnation });
  replace(context, own);
  announce(context, rounds, aliveMessage(own));
  prober.start();
  pushPull.start();
  reconnect.start();
  startReaping(context);
}

/** What ran out while this process stood still is not evidence; the others may think the same of us. */
function wakeUp({ stall, suspicions, prober, pushPull }: Assembly, lagMs: number): void {
  if (!stall.noticed(lagMs)) return;
  suspicions.postponeAll(lagMs);
  prober.restart();
  pushPull.soon();
}

function runTimers(context: CoreContext): void {
  for (;;) {
    const timer = context.timers.takeDue(context.nowMs);
    if (timer === undefined) return;
    timer.run?.();
  }
}

function dispatch(assembly: Assembly, input: Exclude<Input, { kind: 'tick' }>): void {
  const { context, rounds, claims, dialogs, reconnect } = assembly;
  switch (input.kind) {
    case 'packet':
      for (const message of input.messages) receive(assembly, message, input.from);
      return;
    case 'dialog-request':
      answerDialog(assembly, input);
      return;
    case 'dialog-result':
      dialogs.ended(input.dialog, input.outcome);
      return;
    case 'join':
      reconnect.join(input.seeds);
      return;
    case 'leave':
      leave(context, rounds, dialogs.awaited());
      reconnect.stop();
      return;
    case 'set-meta':
      assert(input.meta.length <= context.settings.limits.metaBytesMax, 'tags are within the limit');
      changeOwnMeta(context, rounds, input.meta);
      return;
    case 'force-leave':
      forceLeave(context, claims, input.name);
      return;
    case 'forget':
      forgetGone(context, input.name);
      return;
    case 'user-broadcast':
      rounds.wake();
      return;
    case 'lag':
      wakeUp(assembly, input.lagMs);
  }
}
