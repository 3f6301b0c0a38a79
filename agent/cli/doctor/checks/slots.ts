import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { deriveSlots } from '#agent/worker/slots';
import { plural } from '#agent/cli/figures';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** How many pieces of work the agent runs at once, and why so many. */
export const slotsCheck: LocalCheck = {
  name: 'slots',
  topic: 'node',
  about: 'how many pieces of work run at once, and why so many',
  run: checkSlots,
};

async function checkSlots(patient: Patient): Promise<Finding> {
  if (!(await patient.services()).some(({ role }) => role === 'worker')) {
    return skipped('no agent on this machine');
  }
  const { slots, memory_per_slot } = patient.settings.values;
  const capabilities = await patient.capabilities();
  const derived = deriveSlots(capabilities, { slots, memoryPerSlotBytes: memory_per_slot });
  const { cpu } = capabilities;
  const cores = cpu.state === 'present' ? cpu.value.usableCores : null;
  const { derivation } = derived;
  if (derived.slots === 0) {
    return warning('no slots: this agent takes no work', {
      fix: 'set slots (KTRDR_SLOTS) to 1 or more',
      derivation,
    });
  }
  if (cores !== null && derived.slots > Math.max(1, Math.ceil(cores))) {
    return warning(`${plural(derived.slots, 'slot')} share ${cores} usable cores: each job runs slower`, {
      fix: `set slots (KTRDR_SLOTS) to ${Math.max(1, Math.floor(cores))}, or to auto`,
      derivation,
    });
  }
  return fine(plural(derived.slots, 'slot'), derivation);
}
