import { warning } from '#agent/contract/doctor';
import { bytes } from '#agent/cli/figures';
import { capabilityCheck } from '#agent/cli/doctor/capability-check';

export const shareCheck = capabilityCheck('share', {
  about: 'the directory that all agents share',
  judge: (share, derivation) => {
    const { path, filesystem, source, writable, roundTripMs, availableBytes, seenNodes } = share;
    const summary = `${path} (${filesystem} of ${source}), ${bytes(availableBytes)} free, ${roundTripMs?.toFixed(1) ?? '–'} ms a block, ${seenNodes.length} other nodes seen`;
    if (writable) return summary;
    return warning(`${path} cannot be written`, {
      fix: `mount -o remount,rw ${path}, or allow this user to write there`,
      derivation,
    });
  },
  fix: 'mount the share, or correct shared_mount_path (SHARED_MOUNT_PATH)',
  isExpected: ({ settings }) => settings.values.shared_mount_path !== undefined,
  ofAgent: true,
});
