import type { Capabilities } from '#agent/contract/capability';
import type { SlotsCapability } from '#agent/contract/slots-capability';
import type { SlotsSetting } from '#agent/contract/settings';
import { settingText } from '#agent/kit/config';

export interface SlotsRule {
  slots: SlotsSetting;
  /** Memory that is counted for each slot, in bytes. */
  memoryPerSlotBytes: number;
}

export interface DerivedSlots extends SlotsCapability {
  /** Sentences for people. */
  derivation: string[];
}

/**
 * slots = ⌊usable cores · share⌋, at most ⌊usable memory / memory per slot⌋, and one at least: half a
 * core still works, only slower, and placement itself refuses what needs more memory than there is.
 * A number in the settings is taken as it is. What a probe could not tell does not limit.
 */
export function deriveSlots({ cpu, memory }: Capabilities, rule: SlotsRule): DerivedSlots {
  const cores = cpu.state === 'present' ? cpu.value.usableCores : null;
  const memoryBytes = memory.state === 'present' ? memory.value.usableBytes : null;
  const byMemory = memoryBytes === null ? null : Math.floor(memoryBytes / rule.memoryPerSlotBytes);
  const memoryLine = memorySentence(memoryBytes, rule);
  if (typeof rule.slots === 'number') {
    const derivation = [`${rule.slots} by the setting slots`];
    // Said, not changed: the operator may know how little the work needs.
    if (byMemory !== null && rule.slots > Math.max(1, byMemory)) {
      derivation.push(`${memoryLine}: more slots than memory is counted for`);
    }
    return { slots: rule.slots, byCores: null, byMemory, derivation };
  }
  const byCores = cores === null ? 1 : Math.floor(cores * shareOf(rule.slots));
  const slots = Math.max(1, Math.min(byCores, byMemory ?? byCores));
  const derivation = [
    `${coresSentence(cores, rule.slots)}: ${byCores}`,
    `${memoryLine}: ${byMemory ?? 'no limit'}`,
  ];
  if (byCores < 1 || (byMemory ?? 1) < 1) {
    derivation.push('one slot all the same; work that needs more is refused when it is placed');
  } else derivation.push(`${slots} by ${byMemory !== null && byMemory < byCores ? 'memory' : 'cores'}`);
  return { slots, byCores, byMemory, derivation };
}

function shareOf(slots: Exclude<SlotsSetting, number>): number {
  return slots === 'auto' ? 1 : Number.parseFloat(slots) / 100;
}

function coresSentence(cores: number | null, slots: Exclude<SlotsSetting, number>): string {
  if (cores === null) return 'the cores could not be told';
  const share = slots === 'auto' ? '' : `${slots} of `;
  return `${share}${Number(cores.toFixed(2))} usable ${cores === 1 ? 'core' : 'cores'}`;
}

function memorySentence(bytes: number | null, { memoryPerSlotBytes }: SlotsRule): string {
  const each = settingText({ unit: 'bytes' }, memoryPerSlotBytes);
  if (bytes === null) return 'the memory could not be told';
  return `${Math.round(bytes / 2 ** 20)} MiB of usable memory, ${each} a slot`;
}
