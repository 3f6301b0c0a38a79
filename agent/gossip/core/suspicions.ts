import { send, type CoreContext } from './context';
import type { Dialogs } from './dialogs';
import type { Member } from './member';
import { suspicionBounds, type Suspicion } from './suspicion';
import type { Timer } from './timer-heap';

/** The suspicions that run at this node, each with its timer. */
export interface Suspicions {
  /** Starts one unless it runs already; true when it is new. */
  begin(name: string, accuser: string): boolean;
  /** True when `accuser` is new and still counts. */
  confirm(name: string, accuser: string): boolean;
  /** This node has proof that nobody listens at the suspect's address. */
  desert(name: string): void;
  end(name: string): void;
  /** This node stood still: what it could not hear in that time does not count against anybody. */
  postponeAll(delayMs: number): void;
  onExpiry(listener: (member: Member) => void): void;
  /** A suspicion began at this node that somebody else had. */
  onHearsay(listener: (name: string) => void): void;
}

interface Running {
  readonly name: string;
  readonly suspicion: Suspicion;
  timer: Timer | undefined;
  /** When its machine last said that nobody listens there. */
  desertedMs: number | undefined;
}

/**
 * Expected members that ask a suspect for its last word. All of ten thousand would drown it; all of a small
 * group can, and there gossip more often misses one.
 */
const LAST_WORD_ASKERS = 64;
/** When it is asked, in probe time-outs before the end: twice, since one datagram may be lost. */
const LAST_WORDS = [2, 1];

interface SuspicionsState {
  readonly context: CoreContext;
  readonly dialogs: Dialogs;
  /** This node may not accuse at present; expiries wait one probe interval and ask again. */
  readonly isMuted: () => boolean;
  readonly running: Map<string, Running>;
  expired: (member: Member) => void;
  hearsay: (name: string) => void;
}

export function createSuspicions(context: CoreContext, dialogs: Dialogs, isMuted: () => boolean): Suspicions {
  const running = new Map<string, Running>();
  const nobody = (): void => undefined;
  const state: SuspicionsState = { context, dialogs, isMuted, running, expired: nobody, hearsay: nobody };
  return {
    begin(name, accuser) {
      if (running.has(name)) return false;
      const bounds = suspicionBounds(context.settings, context.members.groupSize());
      const suspicion = context.parts.createSuspicion(context.nowMs, accuser, bounds);
      const entry: Running = { name, suspicion, timer: undefined, desertedMs: undefined };
      running.set(name, entry);
      arm(state, entry);
      if (accuser !== context.selfName) state.hearsay(name);
      return true;
    },
    confirm(name, accuser) {
      const entry = running.get(name);
      if (entry === undefined || !entry.suspicion.confirm(accuser)) return false;
      arm(state, entry);
      return true;
    },
    desert(name) {
      const entry = running.get(name);
      if (entry !== undefined) desert(state, entry, context.nowMs);
    },
    end(name) {
      context.timers.cancel(running.get(name)?.timer);
      running.delete(name);
    },
    postponeAll(delayMs) {
      for (const entry of running.values()) {
        entry.suspicion.postpone(delayMs);
        arm(state, entry);
      }
    },
    onExpiry(listener) {
      state.expired = listener;
    },
    onHearsay(listener) {
      state.hearsay = listener;
    },
  };
}

function arm(state: SuspicionsState, entry: Running): void {
  const { context } = state;
  const dueMs = entry.suspicion.dueMs();
  const lastWordMs = LAST_WORDS.map((before) => dueMs - before * context.settings.probeTimeoutMs).find(
    (atMs) => atMs > context.nowMs,
  );
  if (lastWordMs !== undefined) {
    setTimer(state, entry, { atMs: lastWordMs, run: () => hearLastWord(state, entry) });
  } else if (isProofOld(context, entry)) {
    renewProof(state, entry);
  } else {
    setTimer(state, entry, { atMs: dueMs, run: () => expire(state, entry) });
  }
}

function setTimer(
  { context }: SuspicionsState,
  entry: Running,
  { atMs, run }: { atMs: number; run: () => void },
): void {
  context.timers.cancel(entry.timer);
  entry.timer = context.timers.set(Math.max(atMs, context.nowMs), run);
}

function hearLastWord(state: SuspicionsState, entry: Running): void {
  askForLastWord(state.context, entry.name);
  if (entry.desertedMs === undefined) arm(state, entry);
  else renewProof(state, entry);
}

function expire(state: SuspicionsState, entry: Running): void {
  const { context, running } = state;
  if (state.isMuted()) {
    context.counters.accusationsMuted++;
    const atMs = context.nowMs + context.settings.probeIntervalMs;
    setTimer(state, entry, { atMs, run: () => expire(state, entry) });
    return;
  }
  running.delete(entry.name);
  const member = context.members.get(entry.name);
  if (member?.status === 'suspect') state.expired(member);
}

function desert(state: SuspicionsState, entry: Running, desertedMs: number | undefined): void {
  entry.desertedMs = desertedMs;
  entry.suspicion.desert(desertedMs !== undefined);
  if (state.running.get(entry.name) === entry) arm(state, entry);
}

/** What was seen before the last confirmation came, longer ago than the last words, is asked again. */
function isProofOld({ nowMs, settings }: CoreContext, { desertedMs }: Running): boolean {
  return desertedMs !== undefined && nowMs - desertedMs > 2 * settings.probeTimeoutMs;
}

/** Until it is there the suspicion takes its usual time: somebody may have been started again. */
function renewProof(state: SuspicionsState, entry: Running): void {
  const { context, dialogs } = state;
  desert(state, entry, undefined);
  const member = context.members.get(entry.name);
  if (member === undefined) return;
  dialogs.open(
    member.address,
    { type: 'ping', SeqNo: 0, Node: entry.name },
    {
      timeoutMs: context.settings.probeTimeoutMs,
      onEnd: (outcome) => {
        if (!outcome.ok && outcome.deserted === true) desert(state, entry, context.nowMs);
      },
    },
  );
}

/**
 * Shortly before a suspicion ends the suspect is accused to its face: if it has refuted already and gossip
 * missed this node, the answer comes at once. memberlist has no such step.
 */
function askForLastWord(context: CoreContext, name: string): void {
  const member = context.members.get(name);
  if (member?.status !== 'suspect') return;
  if (context.rng.next() * context.members.groupSize() > LAST_WORD_ASKERS) return;
  send(context, member.address, [
    { type: 'suspect', Incarnation: member.incarnation, Node: name, From: context.selfName },
  ]);
}
