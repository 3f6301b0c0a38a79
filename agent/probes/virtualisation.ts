import type { VirtualisationCapability } from '#agent/contract/host-capabilities';
import { readMounts } from './mounts';
import { detectContainer, type DetectedContainer } from './container';
import type { HostReader } from './host';
import { readHostId } from './host-id';
import { detectHypervisor, type DetectedHypervisor } from './hypervisor';
import type { Finding, Probe } from './probe';
import { errorCode } from '#agent/kit/error';

/** What this node runs in: its own hardware, a virtual machine, a container, and on which host. */
export function virtualisationProbe(targets: { proxmoxHost?: string | undefined }): Probe<'virtualisation'> {
  return {
    name: 'virtualisation',
    // Nothing of it changes while a process lives, but for a host's clock that is set (see host-id.ts).
    periodMs: 60_000,
    probe: (host) => probeVirtualisation(host, targets.proxmoxHost),
  };
}

async function probeVirtualisation(
  host: HostReader,
  proxmoxSetting: string | undefined,
): Promise<Finding<VirtualisationCapability>> {
  if (host.platform === 'darwin') return await probeMac(host);
  const cgroup = await host.readText('/proc/self/cgroup');
  if (cgroup === null) return { state: 'absent', reason: 'there is no /proc/self/cgroup', derivation: [] };
  const mounts = await readMounts(host);
  const [container, hypervisor, release, hostId] = await Promise.all([
    detectContainer(host, { cgroup, mounts }),
    detectHypervisor(host),
    host.readText('/proc/sys/kernel/osrelease').then((text) => text?.trim() ?? ''),
    readHostId(host, mounts),
  ]);
  const isWsl = /microsoft/i.test(release);
  const proxmox = await findProxmoxHost(host, { setting: proxmoxSetting, container, hypervisor, release });
  return {
    state: 'present',
    value: {
      kind: kindOf(container, hypervisor, isWsl),
      container: container.name,
      hypervisor: isWsl ? 'hyperv' : hypervisor.name,
      lxcId: container.lxcId,
      proxmoxHost: proxmox.name,
      hostId: hostId.id,
    },
    derivation: [
      ...container.derivation,
      ...(isWsl ? [`Windows Subsystem for Linux (/proc/sys/kernel/osrelease ${release})`] : []),
      ...hypervisor.derivation,
      ...proxmox.derivation,
      ...hostId.derivation,
    ],
  };
}

function kindOf(
  container: DetectedContainer,
  hypervisor: DetectedHypervisor,
  isWsl: boolean,
): VirtualisationCapability['kind'] {
  if (container.name !== null) return 'container';
  if (isWsl) return 'wsl';
  return hypervisor.isGuest ? 'vm' : 'bare';
}

interface ProxmoxContext {
  setting: string | undefined;
  container: DetectedContainer;
  hypervisor: DetectedHypervisor;
  release: string;
}

interface ProxmoxHost {
  name: string | null;
  derivation: string[];
}

/** Guests are not told the name of their host; the host itself has its cluster file system at /etc/pve. */
async function findProxmoxHost(host: HostReader, context: ProxmoxContext): Promise<ProxmoxHost> {
  const { setting, container, hypervisor, release } = context;
  if (setting !== undefined) {
    return {
      name: setting,
      derivation: [`on the Proxmox host ${setting}, as the setting proxmox_host says`],
    };
  }
  const own = container.name === null ? await ownProxmoxName(host) : null;
  if (own !== null) {
    return { name: own, derivation: [`this is the Proxmox host ${own} (/etc/pve/local)`] };
  }
  const isGuest = container.name !== null || hypervisor.isGuest;
  const isProxmoxKernel = release.endsWith('-pve');
  if (!isGuest && !isProxmoxKernel) return { name: null, derivation: [] };
  const line = isProxmoxKernel
    ? `the kernel ${release} is that of Proxmox, which does not tell its guests the name of the host: ${SET_IT}`
    : `a host does not tell its guests its name: where it is Proxmox, ${SET_IT}`;
  return { name: null, derivation: [line] };
}

const SET_IT = 'set proxmox_host (KTRDR_PROXMOX_HOST)';

async function ownProxmoxName(host: HostReader): Promise<string | null> {
  try {
    const local = await host.readLink('/etc/pve/local');
    return local?.split('/').at(-1) ?? null;
  } catch (error) {
    // An ordinary user may not look into it on every version.
    if (errorCode(error) !== 'EACCES') throw error;
    return null;
  }
}

/** macOS has neither containers nor /proc; it says itself whether a hypervisor runs below. */
async function probeMac(host: HostReader): Promise<Finding<VirtualisationCapability>> {
  const answer = await host.run(['sysctl', '-n', 'kern.hv_vmm_present'], { timeoutMs: 2_000 });
  const isGuest = answer?.stdout.trim() === '1';
  return {
    state: 'present',
    value: {
      kind: isGuest ? 'vm' : 'bare',
      container: null,
      hypervisor: isGuest ? 'apple' : null,
      lxcId: null,
      proxmoxHost: null,
      hostId: null,
    },
    derivation: [
      answer === null
        ? 'no hypervisor known of (there is no sysctl to ask)'
        : `${isGuest ? 'a virtual machine' : 'no hypervisor'} (sysctl kern.hv_vmm_present ${answer.stdout.trim()})`,
    ],
  };
}
