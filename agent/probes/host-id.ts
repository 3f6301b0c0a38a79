import type { Mount } from './mounts';
import type { HostReader } from './host';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * An id that all containers of one kernel share. The kernel's boot id would be it, but LXC and
 * systemd-nspawn mount one of their own over it; what they leave is the second of the start
 * (/proc/stat, also through lxcfs) and the ids of the disks. All nodes of a machine must reckon alike,
 * so the boot id is not used where it could be either. A step of the machine's clock moves the id, for
 * all its nodes, within a period of the probe.
 */
export async function readHostId(
  host: HostReader,
  mounts: readonly Mount[],
): Promise<{ id: string | null; derivation: string[] }> {
  const bootedAt = /^btime (\d+)$/m.exec((await host.readText('/proc/stat')) ?? '')?.[1];
  if (bootedAt === undefined) {
    return {
      id: null,
      derivation: ['which containers share this machine is not known (no btime in /proc/stat)'],
    };
  }
  const disks = await readDiskIds(host);
  const id = new Bun.CryptoHasher('sha256')
    .update([bootedAt, ...disks].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const hidden = mounts.some(({ mountPoint }) => mountPoint === BOOT_ID);
  const why = hidden ? '; the boot id is the container’s own' : '';
  return {
    id,
    derivation: [
      `machine ${id} (its start, btime ${bootedAt} in /proc/stat, and the ids of its disks, ${disks.length}, in /sys/block${why})`,
    ],
  };
}

/** Enough to tell machines apart, and bounded where hundreds of disks are attached. */
const DISKS_MAX = 16;

async function readDiskIds(host: HostReader): Promise<string[]> {
  const names = (await host.list('/sys/block')) ?? [];
  const disks = names.filter((name) => /^(?:nvme\d+n\d+|sd[a-z]+|vd[a-z]+)$/.test(name)).slice(0, DISKS_MAX);
  const ids = await Promise.all(
    disks.flatMap((disk) => ID_FILES.map((file) => readId(host, `/sys/block/${disk}/${file}`))),
  );
  return ids.filter((id) => id !== '').toSorted();
}

/** Of NVMe, SCSI and virtio disks; readable for everyone. */
const ID_FILES = ['wwid', 'device/wwid', 'serial'];

async function readId(host: HostReader, path: string): Promise<string> {
  try {
    return (await host.readText(path))?.trim() ?? '';
  } catch {
    // Some disks answer with an error instead of an id.
    return '';
  }
}
