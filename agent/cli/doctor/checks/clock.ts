import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { readKernelClock, synchronizeCommand } from '#agent/cli/doctor/kernel-clock';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

const WARN_MS = 1_000;
const BAD_MS = 5_000;

/** How far the clocks of this machine and of the control plane are apart. */
export const clockCheck: LocalCheck = {
  name: 'clock',
  topic: 'control',
  about: 'how far the clocks of this machine and of the control plane are apart',
  run: checkClock,
};

async function checkClock(patient: Patient): Promise<Finding> {
  const { clock } = await patient.control();
  if (clock === null) return skipped('not known: the control plane does not answer');
  return judgeClock(clock, {
    hereSynchronized: readKernelClock()?.synchronized ?? null,
    command: synchronizeCommand(),
  });
}

export function judgeClock(
  { aheadMs, uncertaintyMs }: { aheadMs: number; uncertaintyMs: number },
  { hereSynchronized, command }: { hereSynchronized: boolean | null; command: string },
): Finding {
  const offMs = Math.abs(aheadMs);
  // Of this much it is sure: the answer may have spent the round trip on one way.
  const surelyMs = Math.max(0, offMs - uncertaintyMs);
  const direction = aheadMs < 0 ? 'behind' : 'ahead of';
  const within = `give or take ${uncertaintyMs.toFixed(1)} ms, half the round trip`;
  const derivation = [
    `the control plane's time stamp is ${offMs.toFixed(1)} ms ${direction} this machine's clock, ${within}`,
    'leases are judged by the clock of the database alone; stamps of progress and logs by this one',
  ];
  if (surelyMs <= WARN_MS) {
    const summary = surelyMs === 0 ? 'the same' : `${offMs.toFixed(1)} ms apart`;
    return fine(`${summary}, within ${uncertaintyMs.toFixed(1)} ms`, derivation);
  }
  const summary = `the control plane's clock is ${(offMs / 1000).toFixed(1)} s ${direction} this machine's`;
  const judge = surelyMs > BAD_MS ? broken : warning;
  return judge(summary, { fix: fixOf(hereSynchronized, command), derivation });
}

/** Whose clock is right is known where one of them is synchronised. */
function fixOf(hereSynchronized: boolean | null, command: string): string {
  if (hereSynchronized === true) return `on the machine of the control plane: ${command}`;
  return `${command}, on this machine and on that of the control plane`;
}
