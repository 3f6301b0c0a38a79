import type { Capabilities } from '#agent/contract/capability';
import type { VirtualisationCapability } from '#agent/contract/host-capabilities';

/** "lxc 101 on pve1", "docker in lxc 101", "kvm vm", "bare metal"; a dash for what is not known. */
export function placeCell({ virtualisation }: Pick<Capabilities, 'virtualisation'>): string {
  if (virtualisation?.state !== 'present') return '–';
  const { kind, proxmoxHost } = virtualisation.value;
  // The Proxmox host knows its own name too: it does not stand on itself.
  const host = proxmoxHost === null || kind === 'bare' ? '' : ` on ${proxmoxHost}`;
  return `${nodeWord(virtualisation.value)}${host}`;
}

function nodeWord({ kind, container, hypervisor, lxcId }: VirtualisationCapability): string {
  switch (kind) {
    case 'bare':
      return 'bare metal';
    case 'vm':
      return hypervisor === null ? 'vm' : `${hypervisor} vm`;
    case 'wsl':
      return 'wsl';
    case 'container':
      if (container === 'lxc') return lxcId === null ? 'lxc' : `lxc ${lxcId}`;
      return lxcId === null ? (container ?? 'container') : `${container} in lxc ${lxcId}`;
  }
}
