import { send, type CoreContext } from './context';
import type { Member } from './member';
import { suspicionBounds, type Suspicion } from './suspicion';
import type { Timer } from './timer-heap';

/** The suspicions that run at this node, each with its timer. */
export interface Suspicions {
  /** Starts one unless it runs already; true when it is new. */
  begin(name: string, accuser: string): boolean;
  /** True when `accuser` is new and still counts. */
  confirm(name: string, accuser: string): boolean;
  end(name: string): void;
  /** This node stood still: what it could not hear in that time does not count against anybody. */
  postponeAll(delayMs: number): void;
  onExpiry(listener: (member: Member) => void): void;
}

interface Running {
  readonly suspicion: Suspicion;
  timer: Timer | undefined;
}

/**
 * Expected members that ask a suspect for its last word. All of ten thousand would drown it; all of a small
 * group can, and there gossip more often misses one.
 */
const LAST_WORD_ASKERS = 64;
/** When it is asked, in probe time-outs before the end: twice, since one datagram may be lost. */
const LAST_WORDS = [2, 1];

/** `isMuted`: this node may not accuse at present; expiries wait one probe interval and ask again. */
export function createSuspicions(context: CoreContext, isMuted: () => boolean): Suspicions {
  const running = new Map<string, Running>();
  let expired: (member: Member) => void = () => undefined;

  const expire = (name: string, entry: Running): void => {
    if (isMuted()) {
      context.counters.accusationsMuted++;
      setTimer(entry, context.nowMs + context.settings.probeIntervalMs, () => {
        expire(name, entry);
      });
      return;
    }
    running.delete(name);
    const member = context.members.get(name);
    if (member?.status === 'suspect') expired(member);
  };
  const setTimer = (entry: Running, atMs: number, run: () => void): void => {
    context.timers.cancel(entry.timer);
    entry.timer = context.timers.set(Math.max(atMs, context.nowMs), run);
  };
  const arm = (name: string, entry: Running): void => {
    const dueMs = entry.suspicion.dueMs();
    const lastWordMs = LAST_WORDS.map((before) => dueMs - before * context.settings.probeTimeoutMs).find(
      (atMs) => atMs > context.nowMs,
    );
    if (lastWordMs === undefined) {
      setTimer(entry, dueMs, () => {
        expire(name, entry);
      });
      return;
    }
    setTimer(entry, lastWordMs, () => {
      askForLastWord(context, name);
      arm(name, entry);
    });
  };

  return {
    begin(name, accuser) {
      if (running.has(name)) return false;
      const bounds = suspicionBounds(context.settings, context.members.groupSize());
      const suspicion = context.parts.createSuspicion(context.nowMs, accuser, bounds);
      const entry: Running = { suspicion, timer: undefined };
      running.set(name, entry);
      arm(name, entry);
      return true;
    },
    confirm(name, accuser) {
      const entry = running.get(name);
      if (entry === undefined || !entry.suspicion.confirm(accuser)) return false;
      arm(name, entry);
      return true;
    },
    end(name) {
      context.timers.cancel(running.get(name)?.timer);
      running.delete(name);
    },
    postponeAll(delayMs) {
      for (const [name, entry] of running) {
        entry.suspicion.postpone(delayMs);
        arm(name, entry);
      }
    },
    onExpiry(listener) {
      expired = listener;
    },
  };
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
