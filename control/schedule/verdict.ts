import type { Capabilities } from '#agent/contract/capability';
import type { Verdict } from '#agent/contract/worker';

/** What is known of a node. Gossip becomes the second signal here when it exists. */
export interface Signals {
  heartbeatAgeMs: number;
  /** Since a graceful goodbye; null when there was none. */
  stoppedAgeMs: number | null;
  drainingReason: string | null;
  /** Null where nobody knows. */
  drainingAgeMs: number | null;
  capabilities: Capabilities;
}

export interface VerdictTimes {
  heartbeatMs: number;
  leaseMs: number;
}

/** A heartbeat later than this many periods is late, though not yet lost. */
const LATE_PERIODS = 2.5;

/** The state of a node and its cause in words: one pure function, first match wins. */
export function verdict(signals: Signals, times: VerdictTimes): Verdict {
  const age = describeAge(signals.heartbeatAgeMs);
  if (signals.stoppedAgeMs !== null) {
    const cause = `stopped on purpose ${describeAge(signals.stoppedAgeMs)} ago`;
    return { state: 'stopped', cause: withDrain(cause, signals) };
  }
  if (signals.heartbeatAgeMs > times.leaseMs) {
    return { state: 'lost', cause: withDrain(`no heartbeat for ${age}`, signals) };
  }
  const drain = drainOf(signals);
  if (drain !== undefined) return { state: 'draining', cause: drain };
  if (signals.heartbeatAgeMs > times.heartbeatMs * LATE_PERIODS) {
    return { state: 'degraded', cause: `heartbeat is late: the last one came ${age} ago` };
  }
  const failed = failedProbes(signals.capabilities);
  if (failed !== undefined) return { state: 'degraded', cause: failed };
  return { state: 'ready', cause: `heartbeat ${age} ago` };
}

function drainOf({ drainingReason, drainingAgeMs }: Signals): string | undefined {
  if (drainingReason === null) return undefined;
  return drainingAgeMs === null ? drainingReason : `${drainingReason}, for ${describeAge(drainingAgeMs)}`;
}

/** Whoever starts it again should know that it will take no work. */
function withDrain(cause: string, signals: Signals): string {
  const drain = drainOf(signals);
  return drain === undefined ? cause : `${cause}; draining: ${drain}`;
}

function failedProbes(capabilities: Capabilities): string | undefined {
  for (const [name, fact] of Object.entries(capabilities)) {
    if (fact?.state === 'failed') return `probe ${name} failed: ${firstSentence(fact.error)}`;
  }
  return undefined;
}

/** The state without what helps, which would fill a table; `facts` and doctor have all of it. */
function firstSentence(text: string): string {
  return /^.*?(?=\. [A-Z])/s.exec(text)?.[0] ?? text;
}

function describeAge(ageMs: number): string {
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
