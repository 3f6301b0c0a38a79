import type { Address } from './address';
import { isOther, type CoreContext } from './context';
import type { Member } from './member';
import type { PushPull } from './push-pull';

/** Finds the way back after a partition, and to seeds that were away at the start. */
export interface Reconnect {
  start(): void;
  join(seeds: readonly Address[]): void;
  stop(): void;
}

/** A lone node tries its seeds again after 1, 2, 4, … s, at most reconnectIntervalMs. */
const FIRST_RETRY_MS = 1000;

export function createReconnect(context: CoreContext, pushPull: PushPull): Reconnect {
  const { settings, members, timers, rng } = context;
  let seeds: readonly Address[] = [];
  let retryMs = FIRST_RETRY_MS;
  let isRetrying = false;

  const isAlone = (): boolean => members.count('alive') + members.count('suspect') <= 1;

  const trySeed = (seed: Address): void => {
    pushPull.exchange(seed, true, (failure) => {
      context.effects.push({ kind: 'join-result', seed, failure });
      if (isAlone()) retryLater();
      else retryMs = FIRST_RETRY_MS;
    });
  };
  const retryLater = (): void => {
    if (isRetrying || context.leaving) return;
    isRetrying = true;
    timers.set(context.nowMs + retryMs, () => {
      isRetrying = false;
      if (isAlone()) for (const seed of seeds) trySeed(seed);
    });
    retryMs = Math.min(2 * retryMs, settings.reconnectIntervalMs);
  };

  const beat = (): void => {
    if (context.leaving) return;
    const failed = randomFailed(context);
    if (failed !== undefined) pushPull.exchange(failed.address, false);
    const absent = seeds.filter((seed) => !isKnownAlive(context, seed));
    const seed = absent[rng.below(Math.max(1, absent.length))];
    if (seed !== undefined && !isRetrying) trySeed(seed);
    timers.set(context.nowMs + settings.reconnectIntervalMs, beat);
  };

  return {
    start() {
      timers.set(context.nowMs + 1 + rng.below(settings.reconnectIntervalMs), beat);
    },
    join(wanted) {
      seeds = [...wanted].slice(0, settings.limits.seedsMax);
      retryMs = FIRST_RETRY_MS;
      for (const seed of seeds) trySeed(seed);
    },
    stop() {
      seeds = [];
    },
  };
}

/**
 * Serf's reconnect: in each interval with probability failed / alive, so that the group together tries each
 * failed member about once per interval, however many members there are. One scan of the table.
 */
function randomFailed({ members, rng }: CoreContext): Member | undefined {
  const failedCount = members.count('failed');
  const aliveCount = Math.max(1, members.count('alive') + members.count('suspect'));
  if (failedCount === 0 || rng.next() > failedCount / aliveCount) return undefined;
  let index = rng.below(failedCount);
  for (const member of members.all()) if (member.status === 'failed' && index-- === 0) return member;
  return undefined;
}

/** A scan too: seeds are addresses, and there is one look per interval. */
function isKnownAlive(context: CoreContext, { host, port }: Address): boolean {
  for (const member of context.members.all()) {
    const { address, status } = member;
    if (address.port === port && address.host === host)
      return !isOther(context, member) || status === 'alive';
  }
  return false;
}
