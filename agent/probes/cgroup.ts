import type { HostReader } from './host';
import { readMounts, type Mount } from './mounts';

export type Controller = 'cpu' | 'memory' | 'pids';

/**
 * The control groups that limit this process, own group first, up to the highest visible one. None where
 * the controller is bound to version 1 and not mounted here: its limits hold, and cannot be read.
 */
export interface CgroupChain {
  version: 1 | 2;
  groups: CgroupGroup[];
}

export interface CgroupGroup {
  /** Path as /proc/self/cgroup names it, for people. */
  name: string;
  directory: string;
}

/**
 * Finds the groups of one controller. A controller is bound to version 1 or to version 2, also on
 * hybrid machines; version 1 is looked for first, since there the version 2 tree has no controllers.
 * Null when the machine has no control groups.
 */
export async function readCgroupChain(host: HostReader, controller: Controller): Promise<CgroupChain | null> {
  const [memberships, mounts] = await Promise.all([
    host.readText('/proc/self/cgroup').then((text) => parseMemberships(text ?? '')),
    readMounts(host),
  ]);
  for (const version of [1, 2] as const) {
    const membership = memberships.find((entry) =>
      version === 1 ? entry.controllers.includes(controller) : entry.hierarchy === 0,
    );
    const mount = mounts.find((entry) =>
      version === 1
        ? entry.type === 'cgroup' && entry.superOptions.includes(controller)
        : entry.type === 'cgroup2',
    );
    if (membership && mount) return { version, groups: groupsUpward(membership.path, mount) };
    // systemd in a container mounts what it knows: version 1 with cpu apart from cpuacct it leaves out.
    if (membership && version === 1) return { version, groups: [] };
  }
  return null;
}

/**
 * Why no limit was found, in words. On version 2 a root that has the controller's file is the root of a
 * namespace, since the machine's own has none: what is set above it, as Proxmox does, does not show.
 */
export function describeNoLimit(
  limit: { name: 'quota' | 'limit'; controller: Controller },
  chain: CgroupChain | null,
  rootHasFile: boolean,
): string {
  const { name, controller } = limit;
  if (chain === null) return `no ${name} (no ${controller} control group is mounted)`;
  const [own] = chain.groups;
  if (own === undefined)
    return `${name} not known (version 1 of the ${controller} control groups is in use and not mounted here)`;
  const hidden = chain.version === 2 && rootHasFile;
  const note = hidden ? " to the container's root; one set outside would not show" : '';
  return `no ${name} (cgroup v${chain.version}, from ${own.name} up${note})`;
}

export interface Membership {
  hierarchy: number;
  controllers: string[];
  path: string;
}

/** Parses /proc/self/cgroup (cgroups(7)): "hierarchy:controllers:path"; paths may hold colons. */
export function parseMemberships(text: string): Membership[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (!match) return [];
    const [, hierarchy, controllers = '', path = '/'] = match;
    return [{ hierarchy: Number(hierarchy), controllers: controllers.split(','), path }];
  });
}

/** The kernel itself allows deeper trees; no machine has them. */
const DEPTH_MAX = 64;

function groupsUpward(path: string, mount: Mount): CgroupGroup[] {
  const below = pathBelowMount(path, mount.root);
  const parts = below.split('/').filter((part) => part !== '');
  const groups: CgroupGroup[] = [];
  for (let depth = Math.min(parts.length, DEPTH_MAX); depth >= 0; depth--) {
    const suffix = parts.slice(0, depth).map((part) => `/${part}`);
    const base = mount.root === '/' ? '' : mount.root;
    groups.push({
      name: `${base}${suffix.join('')}` || '/',
      directory: `${mount.mountPoint}${suffix.join('')}`,
    });
  }
  return groups;
}

/**
 * A container without a cgroup namespace sees its full path and a mount of just its own group; a
 * process outside its namespace's root sees "/..". Only what lies under the mount can be read.
 */
function pathBelowMount(path: string, mountRoot: string): string {
  if (path.startsWith('/..')) return '';
  if (mountRoot === '/') return path;
  return path === mountRoot || path.startsWith(`${mountRoot}/`) ? path.slice(mountRoot.length) : '';
}
