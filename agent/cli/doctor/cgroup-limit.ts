import type { CgroupChain, CgroupGroup } from '#agent/probes/cgroup';
import type { Capabilities } from '#agent/contract/capability';

export interface LimitCommand {
  /** Property of systemd and its value without a limit. */
  property: string;
  file: string;
  unlimited: string;
  /** Of Proxmox's `pct set`. */
  pct: string;
}

/** The command that lifts a limit at this control group, by whoever manages it. */
export function liftLimit(
  { groups }: CgroupChain,
  group: CgroupGroup,
  command: LimitCommand,
  virtualisation: Capabilities['virtualisation'],
): string {
  const unit = group.name.split('/').findLast((part) => /\.(service|slice|scope)$/.test(part));
  const isOuter = groups.at(-1) === group || group.name === '/';
  const container = virtualisation?.state === 'present' ? virtualisation.value : null;
  if (isOuter && container?.lxcId) return `on the host: pct set ${container.lxcId} ${command.pct}`;
  if (unit !== undefined && group.name.endsWith(unit)) {
    return `systemctl set-property ${unit} ${command.property}`;
  }
  if (isOuter && container?.container) return `raise the limit of this ${container.container} container`;
  return `echo ${command.unlimited} > ${group.directory}/${command.file}`;
}
