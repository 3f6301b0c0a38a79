import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { readKernelClock, synchronizeCommand } from '#agent/cli/doctor/kernel-clock';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** Whether anybody keeps the clock right. A container has that of its host. */
export const timeSyncCheck: LocalCheck = {
  name: 'time-sync',
  topic: 'machine',
  about: 'whether anybody keeps the clock right',
  run: checkTimeSync,
};

async function checkTimeSync(patient: Patient): Promise<Finding> {
  const clock = readKernelClock();
  if (clock === null) return skipped('this system does not say whether its clock is synchronised');
  const { virtualisation } = await patient.capabilities();
  const inContainer = virtualisation?.state === 'present' && virtualisation.value.kind === 'container';
  const timesyncd = (await patient.host.list('/run/systemd/timesync')) ?? [];
  const derivation = [
    clock.synchronized
      ? `the kernel says the clock is synchronised, within ${clock.errorMsMax.toFixed(1)} ms (adjtimex)`
      : 'the kernel says the clock is not synchronised (STA_UNSYNC of adjtimex)',
    ...(timesyncd.includes('synchronized') ? ['systemd-timesyncd has set it (/run/systemd/timesync)'] : []),
    ...(inContainer ? ['the clock of a container is that of its host'] : []),
  ];
  if (clock.synchronized) return fine(`synchronised, within ${clock.errorMsMax.toFixed(1)} ms`, derivation);
  return warning('nobody keeps the clock of this machine right', {
    fix: `${inContainer ? 'on the host: ' : ''}${synchronizeCommand()}`,
    derivation,
  });
}
