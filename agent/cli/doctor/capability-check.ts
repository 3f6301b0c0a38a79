import type { CapabilityName } from '#agent/contract/capability';
import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import type { CapabilityValue } from '#agent/probes/probe';
import type { LocalCheck } from './local-check';
import type { Patient } from './patient';

export interface CapabilityCheckOptions<Name extends CapabilityName> {
  about: string;
  /** One sentence about what is there, or a finding of its own. */
  judge: (value: CapabilityValue<Name>, derivation: readonly string[], patient: Patient) => string | Finding;
  /** What to do when it cannot be told. */
  fix: string;
  /** Whether the settings promise it: then its absence is no fact to be content with. */
  isExpected?: (patient: Patient) => boolean;
  /** Only an agent has a use for it. */
  ofAgent?: boolean;
}

/** A fact that a probe establishes, by the very probe that the agent runs. */
export function capabilityCheck<Name extends CapabilityName>(
  name: Name,
  options: CapabilityCheckOptions<Name>,
): LocalCheck {
  return {
    name,
    topic: 'machine',
    about: options.about,
    run: (patient) => checkCapability(patient, name, options),
  };
}

async function checkCapability<Name extends CapabilityName>(
  patient: Patient,
  name: Name,
  { judge, fix, isExpected, ofAgent = false }: CapabilityCheckOptions<Name>,
): Promise<Finding> {
  if (ofAgent && !(await patient.services()).some(({ role }) => role === 'worker')) {
    return skipped('no agent on this machine');
  }
  const fact = (await patient.capabilities())[name];
  if (fact === undefined) return skipped('this version does not look for it');
  if (fact.state === 'failed') return warning(`it could not be told: ${fact.error}`, { fix });
  if (fact.state === 'absent') {
    const trouble = { fix, derivation: fact.derivation };
    return isExpected?.(patient) === true
      ? warning(fact.reason, trouble)
      : skipped(fact.reason, fact.derivation);
  }
  const judged = judge(fact.value, fact.derivation, patient);
  return typeof judged === 'string' ? fine(judged, fact.derivation) : judged;
}
