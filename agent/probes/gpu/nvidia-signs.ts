import { parseMounts } from '#agent/probes/mounts';
import { detectContainer } from '#agent/probes/container';
import { WSL_LIBRARIES } from './libraries';
import type { HostReader } from '#agent/probes/host';

/** What files say of NVIDIA devices, without asking the driver: cheap, and it cannot block. */
export interface NvidiaSigns {
  /** nvidia0, nvidiactl, nvidia-uvm of /dev. */
  nodes: string[];
  /** Version of the kernel module that is loaded. */
  kernelDriver: string | null;
  /** Display devices of the vendor; looked for only where the two above say nothing. */
  pci: PciDevice[];
  /** Windows' paravirtual graphics device (WSL). */
  hasDxg: boolean;
}

export interface PciDevice {
  address: string;
  /** Kernel module that has it, such as nouveau or vfio-pci; null for none. */
  driver: string | null;
}

const DRIVER_VERSION = '/proc/driver/nvidia/version';
const PCI_DEVICES = '/sys/bus/pci/devices';
const NVIDIA = '0x10de';
/** Class codes of the PCI specification: 03 is display, so that sound and bridges of the vendor do not count. */
const DISPLAY_CLASS = '0x03';

export async function readNvidiaSigns(host: HostReader): Promise<NvidiaSigns> {
  const [devices, version] = await Promise.all([host.list('/dev'), host.readText(DRIVER_VERSION)]);
  const nodes = (devices ?? []).filter((name) => /^nvidia(\d+|ctl|-uvm)$/.test(name));
  const kernelDriver = version === null ? null : parseDriverVersion(version);
  const isKnown = nodes.length > 0 || kernelDriver !== null;
  return {
    nodes,
    kernelDriver,
    pci: isKnown ? [] : await findPciDevices(host),
    hasDxg: (devices ?? []).includes('dxg'),
  };
}

/** "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Thu …"; the open module words it otherwise. */
export function parseDriverVersion(text: string): string | null {
  const [, version = null] = /^NVRM version:.*?\s(\d+\.\d[\d.]*)(?:\s|$)/m.exec(text) ?? [];
  return version;
}

export async function hasWslLibraries(host: HostReader): Promise<boolean> {
  const names = (await host.list(WSL_LIBRARIES)) ?? [];
  return names.some((name) => name.startsWith('libnvidia-ml.so') || name.startsWith('libcuda.so'));
}

/** Whose devices these are to give: of a container, its host's. */
export interface Surroundings {
  isContainer: boolean;
  /** "pct reboot 101", or words where the id or the kind of the container is not known. */
  restart: string;
  /** How the container gets the devices. */
  grant: string;
  /** How it keeps them over a reload of the host's systemd. */
  keep: string;
}

/** Asked only when something is wrong, since it reads a dozen files. */
export async function readSurroundings(host: HostReader): Promise<Surroundings> {
  const [cgroup, mounts] = await Promise.all([
    host.readText('/proc/self/cgroup'),
    host.readText('/proc/self/mountinfo'),
  ]);
  const context = { cgroup: cgroup ?? '', mounts: parseMounts(mounts ?? '') };
  const { name, lxcId } = await detectContainer(host, context);
  if (name === 'lxc') {
    const id = lxcId ?? '<id>';
    const grant =
      `pct set ${id} -dev0 /dev/nvidia0 -dev1 /dev/nvidiactl -dev2 /dev/nvidia-uvm (Proxmox VE 8.2), ` +
      'or in its configuration lxc.cgroup2.devices.allow: c 195:* rwm (and the major number of ' +
      'nvidia-uvm) with an lxc.mount.entry for each of these';
    const restart = /^\d+$|^<id>$/.test(id) ? `pct reboot ${id}` : `lxc-stop -n ${id}, lxc-start -n ${id}`;
    return { isContainer: true, restart, grant, keep: grant };
  }
  return {
    isContainer: name !== null,
    restart: name === null ? 'reboot' : 'restart this container',
    grant: 'start it with --gpus all (NVIDIA Container Toolkit)',
    // https://github.com/NVIDIA/nvidia-container-toolkit/issues/48
    keep: 'run nvidia-ctk system create-dev-char-symlinks --create-all at each start of the host',
  };
}

async function findPciDevices(host: HostReader): Promise<PciDevice[]> {
  const addresses = (await host.list(PCI_DEVICES)) ?? [];
  const devices = await Promise.all(
    addresses.map(async (address) => {
      const directory = `${PCI_DEVICES}/${address}`;
      if ((await host.readText(`${directory}/vendor`))?.trim() !== NVIDIA) return [];
      const [kind, driver] = await Promise.all([
        host.readText(`${directory}/class`),
        host.readLink(`${directory}/driver`),
      ]);
      if (kind?.startsWith(DISPLAY_CLASS) !== true) return [];
      return [{ address, driver: driver?.split('/').at(-1) ?? null }];
    }),
  );
  return devices.flat();
}
