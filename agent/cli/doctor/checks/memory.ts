import { fine, warning } from '#agent/contract/doctor';
import { bytes } from '#agent/cli/figures';
import { capabilityCheck } from '#agent/cli/doctor/capability-check';

/** A control plane with its database, or an agent with one job, is tight below this. */
const USABLE_BYTES_MIN = 512 * 2 ** 20;
const AVAILABLE_BYTES_MIN = 128 * 2 ** 20;

export const memoryCheck = capabilityCheck('memory', {
  about: 'memory by machine and control groups',
  fix: 'look at /proc/meminfo',
  judge: ({ usableBytes, availableBytes, totalBytes, limitBytes }, derivation) => {
    const limit = limitBytes === null ? '' : `, limited to ${bytes(limitBytes)} of ${bytes(totalBytes)}`;
    const summary = `${bytes(availableBytes)} of ${bytes(usableBytes)} available${limit}`;
    if (usableBytes < USABLE_BYTES_MIN) {
      return warning(`${summary}: jobs will be killed for memory`, {
        fix: 'raise the memory limit of this machine or container',
        derivation,
      });
    }
    if (availableBytes < AVAILABLE_BYTES_MIN) {
      return warning(summary, {
        fix: 'end what uses the memory, or set fewer slots (KTRDR_SLOTS)',
        derivation,
      });
    }
    return fine(summary, derivation);
  },
});
