import { capabilityCheck } from '#agent/cli/doctor/capability-check';

const KINDS = { bare: 'bare metal', container: 'container', vm: 'virtual machine', wsl: 'WSL' } as const;

export const virtualisationCheck = capabilityCheck('virtualisation', {
  about: 'container, virtual machine or bare metal',
  judge: ({ kind, container, hypervisor, lxcId, proxmoxHost }) =>
    [
      KINDS[kind],
      container,
      lxcId === null ? null : `id ${lxcId}`,
      hypervisor === null ? null : `under ${hypervisor}`,
      proxmoxHost === null ? null : `on Proxmox host ${proxmoxHost}`,
    ]
      .filter((part) => part !== null)
      .join(', '),
  fix: 'nothing depends on it but what others are told',
});
