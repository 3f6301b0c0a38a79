import type { Capabilities, Load } from '#agent/contract/capability';
import type { GossipEvidence, Verdict } from '#agent/contract/worker';

/** What is known of a node: heartbeats and gossip take different ways, so that one can miss and not the other. */
export interface Signals {
  heartbeatAgeMs: number;
  /** Undefined where gossip has not heard of it, or this control plane takes no part in it. */
  gossip?: GossipEvidence | undefined;
  /** Since a graceful goodbye; null when there was none. */
  stoppedAgeMs: number | null;
  drainingReason: string | null;
  /** Null where nobody knows. */
  drainingAgeMs: number | null;
  capabilities: Capabilities;
  load?: Load | null;
}

export interface VerdictTimes {
  heartbeatMs: number;
  leaseMs: number;
}

/** What a verdict is made from besides the row of the node. */
export interface VerdictBasis extends VerdictTimes {
  /** What gossip says of a node; undefined for a control plane without gossip. */
  gossip?: ((nodeId: string) => GossipEvidence | undefined) | undefined;
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
  if (signals.heartbeatAgeMs > times.leaseMs) return withoutHeartbeat(signals, age);
  const { gossip } = signals;
  if (gossip?.namesake) {
    const cause = `another machine goes by its name, at ${gossip.namesake}: a copy of it?`;
    return { state: 'quarantined', cause: withDrain(cause, signals) };
  }
  const drain = drainOf(signals);
  if (drain !== undefined) return { state: 'draining', cause: drain };
  if (signals.heartbeatAgeMs > times.heartbeatMs * LATE_PERIODS) {
    const heard = gossip === undefined ? '' : `; ${SAYS[gossip.status]}`;
    return { state: 'degraded', cause: `heartbeat is late: the last one came ${age} ago${heard}` };
  }
  const failed = failedProbes(signals.capabilities);
  if (failed !== undefined) return { state: 'degraded', cause: failed };
  return { state: 'ready', cause: `heartbeat ${age} ago${remark(gossip)}${disturbanceOf(signals)}` };
}

/** Gossip tells a closed way from a machine that is gone; what it holds stays its own until its leases end. */
function withoutHeartbeat(signals: Signals, age: string): Verdict {
  const { gossip } = signals;
  if (gossip === undefined) return { state: 'lost', cause: withDrain(`no heartbeat for ${age}`, signals) };
  const says = `${SAYS[gossip.status]} (for ${describeAge(gossip.since_ms)})`;
  if (gossip.status === 'alive' || gossip.status === 'suspect') {
    const cause = `no heartbeat for ${age}, but ${says}: its way to this control plane is closed`;
    return { state: 'cut-off', cause: withDrain(cause, signals) };
  }
  return { state: 'lost', cause: withDrain(`no heartbeat for ${age}, and ${says}`, signals) };
}

const SAYS: Readonly<Record<GossipEvidence['status'], string>> = {
  alive: 'gossip hears it',
  suspect: 'gossip doubts it',
  leaving: 'gossip sees it leave',
  left: 'gossip saw it leave',
  failed: 'gossip does not hear it',
};

/** What is wrong with the second way while the first one works. */
function remark(gossip: GossipEvidence | undefined): string {
  if (gossip === undefined) return '';
  if (gossip.status === 'failed' || gossip.status === 'suspect') {
    return `; ${SAYS[gossip.status]} (for ${describeAge(gossip.since_ms)})`;
  }
  return gossip.udp === 'degraded' ? '; gossip: udp degraded, TCP only' : '';
}

/** A machine that slept, or whose clock jumped, explains its own silence and its strange times. */
function disturbanceOf({ load, heartbeatAgeMs }: Signals): string {
  if (!load?.disturbance) return '';
  const { kind, byMs, agoMs } = load.disturbance;
  const ago = describeAge(agoMs + heartbeatAgeMs);
  if (kind === 'slept') return `; woke up ${ago} ago after ${describeAge(byMs)} of sleep`;
  return `; its clock was set ${byMs < 0 ? 'back' : 'forward'} by ${describeAge(Math.abs(byMs))}, ${ago} ago`;
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
