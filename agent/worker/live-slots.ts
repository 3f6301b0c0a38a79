import type { Capabilities } from '#agent/contract/capability';
import type { Clock } from '#agent/kit/clock';
import type { Log } from '#agent/kit/log';
import { deriveSlots, type DerivedSlots, type SlotsRule } from './slots';

/** The slots of an agent while it runs: limits of a container may change under it (`pct set … --cores`). */
export interface LiveSlots {
  /** How many attempts may run now. */
  allowed(): number;
  /** The same, and never below what is held still: shrinking ends nothing. */
  reported(): number;
  /** The capabilities of this moment with the slots and their derivation among them. */
  capabilities(): Capabilities;
}

export interface LiveSlotsOptions {
  capabilities: () => Capabilities;
  rule: SlotsRule;
  /** Attempts held. */
  held: () => number;
  clock: Clock;
  log: Log;
}

export function liveSlots({ capabilities, rule, held, clock, log }: LiveSlotsOptions): LiveSlots {
  let last: { facts: Capabilities; slots: number; shown: Capabilities } | undefined;
  let reported = 0;
  // Asked many times a second, while the facts change every minute or so.
  const current = () => {
    const facts = capabilities();
    if (last !== undefined && last.facts === facts) return last;
    const derived = deriveSlots(facts, rule);
    const { slots, derivation } = derived;
    if (last?.slots !== slots) {
      log.info('slots', { slots, before: last?.slots, derivation: derivation.join('; ') });
    }
    last = { facts, slots, shown: withSlots(facts, derived, clock.nowMs()) };
    return last;
  };
  return {
    allowed: () => current().slots,
    reported() {
      const { slots } = current();
      reported = Math.max(slots, Math.min(reported, held()));
      return reported;
    },
    capabilities: () => current().shown,
  };
}

function withSlots(facts: Capabilities, { derivation, ...value }: DerivedSlots, nowMs: number): Capabilities {
  return { ...facts, slots: { state: 'present', value, derivation, probedAtMs: nowMs } };
}
