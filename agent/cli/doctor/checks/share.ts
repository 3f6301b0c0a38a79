import { warning } from '#agent/contract/doctor';
import { bytes, plural } from '#agent/cli/figures';
import { isLoopbackAddress } from '#agent/kit/ip-address';
import { capabilityCheck } from '#agent/cli/doctor/capability-check';

export const shareCheck = capabilityCheck('share', {
  about: 'the directory that all agents share',
  judge: (share, derivation, { settings }) => {
    const { path, filesystem, source, mount, writable, roundTripMs, availableBytes, seenNodes } = share;
    if (!writable) {
      return warning(`${path} cannot be written`, {
        fix: `mount -o remount,rw ${path}, or allow this user to write there`,
        derivation,
      });
    }
    // What a share that is not mounted looks like: files land on the local disk, and nobody else sees them.
    if (mount === 'directory' && !isLoopbackAddress(new URL(settings.values.api_url).hostname)) {
      return warning(`${path} is a plain directory of the local disk: other machines do not see it`, {
        fix: `mount ${path}, or take shared_mount_path (SHARED_MOUNT_PATH) out: files then go through the API`,
        derivation,
      });
    }
    return `${path} (${filesystem} of ${source}), ${bytes(availableBytes)} free, ${roundTripMs?.toFixed(1) ?? '–'} ms a block, ${plural(seenNodes.length, 'node')} seen there`;
  },
  fix: 'mount the share, or correct shared_mount_path (SHARED_MOUNT_PATH)',
  isExpected: ({ settings }) => settings.values.shared_mount_path !== undefined,
  ofAgent: true,
});
