import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import type { Capabilities } from '#agent/contract/capability';
import { deriveSlots, type DerivedSlots } from '#agent/worker/slots';
import { plural } from '#agent/cli/figures';
import { gravest, together, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** How many pieces of work the agent runs at once, and why so many. */
export const slotsCheck: LocalCheck = {
  name: 'slots',
  topic: 'node',
  about: 'how many pieces of work run at once, and why so many',
  run: checkSlots,
};

async function checkSlots(patient: Patient): Promise<Finding> {
  const agents = (await patient.services()).filter(({ role }) => role === 'worker');
  if (agents.length === 0) return skipped('no agent on this machine');
  const capabilities = await patient.capabilities();
  const derived = agents.map(({ settings: { values } }) =>
    deriveSlots(capabilities, { slots: values.slots, memoryPerSlotBytes: values.memory_per_slot }),
  );
  const findings = derived.map((one) => judge(one, capabilities));
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  const total = derived.reduce((sum, { slots }) => sum + slots, 0);
  return together(findings, (count) => `${count} agents with ${plural(total, 'slot')} in all`);
}

function judge(derived: DerivedSlots, { cpu }: Capabilities): Finding {
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
