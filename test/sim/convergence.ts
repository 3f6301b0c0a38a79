import { sameBytes } from '#agent/gossip/core/address';
import { pushPullIntervalMs, type GossipSettings } from '#agent/gossip/core/settings';
import { suspicionBounds } from '#agent/gossip/core/suspicion';
import type { Host } from './host';

/**
 * After the last fault everybody agrees within: one turn of probes, the longest suspicion, three exchanges of
 * states, and six tries to reconnect (each side of a healed partition tries a given one with probability
 * failed / alive per interval).
 */
export function convergenceBoundMs(settings: GossipSettings, hostCount: number): number {
  const { maxMs } = suspicionBounds(settings, hostCount);
  return (
    2 * hostCount * settings.probeIntervalMs +
    maxMs +
    3 * pushPullIntervalMs(settings.pushPullIntervalMs, hostCount) +
    6 * settings.reconnectIntervalMs
  );
}

/** The first disagreement between what hosts hold and what is so, or nothing when all is well. */
export function findDisagreement(hosts: readonly Host[]): string | undefined {
  const running = hosts.filter(({ core, leaving }) => core !== undefined && !leaving);
  const runningNames = new Set(running.map(({ name }) => name));
  for (const observer of running) {
    for (const subject of running) {
      const problem = misjudges(observer, subject);
      if (problem !== undefined) return problem;
    }
    for (const { name } of hosts) {
      const status = observer.core?.member(name)?.status;
      if (!runningNames.has(name) && (status === 'alive' || status === 'suspect'))
        return `${observer.name} still holds ${name} for ${status}`;
    }
  }
  return undefined;
}

function misjudges(observer: Host, subject: Host): string | undefined {
  const own = subject.core?.self();
  const held = observer.core?.member(subject.name);
  const pair = `${observer.name} on ${subject.name}`;
  if (held === undefined || own === undefined) return `${pair}: unknown`;
  if (held.status !== 'alive') return `${pair}: ${held.status}`;
  if (held.incarnation !== own.incarnation) return `${pair}: @${held.incarnation}, is @${own.incarnation}`;
  if (!sameBytes(held.meta, own.meta)) return `${pair}: other tags`;
  return sameBytes(held.addr, own.addr) ? undefined : `${pair}: other address`;
}
