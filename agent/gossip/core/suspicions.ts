import type { CoreContext } from './context';
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

/** `isMuted`: this node may not accuse at present; expiries wait one probe interval and ask again. */
export function createSuspicions(context: CoreContext, isMuted: () => boolean): Suspicions {
  const running = new Map<string, Running>();
  let expired: (member: Member) => void = () => undefined;

  const arm = (name: string, entry: Running, atMs = entry.suspicion.dueMs()): void => {
    context.timers.cancel(entry.timer);
    entry.timer = context.timers.set(Math.max(atMs, context.nowMs), () => {
      if (isMuted()) {
        context.counters.accusationsMuted++;
        arm(name, entry, context.nowMs + context.settings.probeIntervalMs);
        return;
      }
      running.delete(name);
      const member = context.members.get(name);
      if (member?.status === 'suspect') expired(member);
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
