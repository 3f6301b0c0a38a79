import { errorCode } from '#agent/kit/error';
import { parseMemberships } from './cgroup';
import type { Mount } from './mounts';
import type { HostReader } from './host';

export interface DetectedContainer {
  /** lxc, docker, podman, kubernetes, systemd-nspawn, …; null outside containers. */
  name: string | null;
  /** Id of the LXC container around this process, also around a Docker within it. */
  lxcId: string | null;
  derivation: string[];
}

/** What else of the machine the marks of a container are looked for in. */
export interface ContainerContext {
  /** Text of /proc/self/cgroup. */
  cgroup: string;
  mounts: readonly Mount[];
}

/**
 * The innermost container around this process. What a container manager says outright comes first, then
 * control groups, mounts, and files that images may also carry by mistake.
 */
export async function detectContainer(
  host: HostReader,
  context: ContainerContext,
): Promise<DetectedContainer> {
  const mark =
    (await saidByManager(host)) ??
    markOfCgroups(context.cgroup) ??
    markOfMounts(context.mounts) ??
    (await markOfFiles(host, context.mounts));
  const id = findLxcId(context);
  const isLxc = mark?.name === 'lxc';
  return {
    name: mark?.name ?? null,
    lxcId: id?.id ?? null,
    derivation: [
      mark?.line ?? 'no container (nothing in /run/systemd/container, control groups and mounts says so)',
      ...(id === null ? [] : [id.line]),
      ...(isLxc && id === null ? ['the id of the LXC container is not known: nothing inside shows it'] : []),
      ...(await leftOver(host, mark)),
    ],
  };
}

interface Mark {
  name: string;
  line: string;
}

const DOCKER_FILE = '/.dockerenv';

async function saidByManager(host: HostReader): Promise<Mark | null> {
  for (const path of ['/run/systemd/container', '/run/host/container-manager']) {
    const name = (await readAllowed(host, path))?.trim();
    if (name && name !== 'wsl') return { name: shortName(name), line: `container of ${name} (${path})` };
  }
  const environment = (await readAllowed(host, '/proc/1/environ')) ?? '';
  const name = /(?:^|\0)container=([^\0]+)/.exec(environment)?.[1];
  if (!name || name === 'wsl') return null;
  return { name: shortName(name), line: `container of ${name} (container=${name} in /proc/1/environ)` };
}

/** Names as the schema bounds them; libvirt calls its LXC "lxc-libvirt". */
function shortName(name: string): string {
  return name === 'lxc-libvirt' ? 'lxc' : name.slice(0, 60);
}

/** Path of a control group → container manager. The deepest match of a path is the innermost. */
const GROUPS: ReadonlyArray<{ name: string; pattern: RegExp }> = [
  { name: 'lxc', pattern: /\/lxc(?:\.payload[./]|\/)[^/]+/g },
  { name: 'docker', pattern: /\/docker(?:\/|-)[0-9a-f]{6,64}/g },
  { name: 'podman', pattern: /\/libpod-[0-9a-f]{6,64}/g },
  { name: 'kubernetes', pattern: /\/kubepods/g },
  { name: 'systemd-nspawn', pattern: /\/machine\.slice\/systemd-nspawn@/g },
];

function markOfCgroups(cgroup: string): Mark | null {
  for (const { path } of parseMemberships(cgroup)) {
    const found = GROUPS.flatMap(({ name, pattern }) =>
      Array.from(path.matchAll(pattern), ({ index }) => ({ name, index })),
    ).toSorted((left, right) => right.index - left.index);
    const [innermost] = found;
    if (innermost)
      return { name: innermost.name, line: `container of ${innermost.name} (control group ${path})` };
  }
  return null;
}

function markOfMounts(mounts: readonly Mount[]): Mark | null {
  const bootId = mounts.find(
    ({ root, mountPoint }) =>
      root.endsWith('/.lxc-boot-id') && mountPoint === '/proc/sys/kernel/random/boot_id',
  );
  if (bootId) return { name: 'lxc', line: 'container of LXC (its boot id is mounted over the kernel’s)' };
  const lxcfs = mounts.find(
    ({ type, mountPoint }) => type === 'fuse.lxcfs' && /^\/(proc|sys)\//.test(mountPoint),
  );
  if (lxcfs) return { name: 'lxc', line: `container of LXC (lxcfs is mounted at ${lxcfs.mountPoint})` };
  return null;
}

async function markOfFiles(host: HostReader, mounts: readonly Mount[]): Promise<Mark | null> {
  if ((await readAllowed(host, '/run/.containerenv')) !== null)
    return { name: 'podman', line: 'container of Podman (/run/.containerenv)' };
  const service = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
  if ((await readAllowed(host, service)) !== null)
    return { name: 'kubernetes', line: `container of Kubernetes (${service})` };
  if ((await readAllowed(host, DOCKER_FILE)) !== null && hasNamesMounted(mounts))
    return { name: 'docker', line: `container of Docker (${DOCKER_FILE}, and names mounted under /etc)` };
  return null;
}

/** Docker mounts these into every container; an image that was unpacked elsewhere has the file alone. */
function hasNamesMounted(mounts: readonly Mount[]): boolean {
  return mounts.some(({ mountPoint }) => mountPoint === '/etc/hosts' || mountPoint === '/etc/resolv.conf');
}

async function leftOver(host: HostReader, mark: Mark | null): Promise<string[]> {
  if (mark !== null || (await readAllowed(host, DOCKER_FILE)) === null) return [];
  return [`${DOCKER_FILE} is left over from an image: Docker has mounted nothing here`];
}

/** LXC's id, on Proxmox the VMID: of control groups where they are not hidden, else of the root's volume. */
function findLxcId({ cgroup, mounts }: ContainerContext): { id: string; line: string } | null {
  const paths = parseMemberships(cgroup).map(({ path }) => path);
  const roots = mounts.filter(({ type }) => type.startsWith('cgroup')).map(({ root }) => root);
  for (const path of [...paths, ...roots]) {
    const id = /\/lxc(?:\.payload[./]|\/)([^/]{1,120})/.exec(path)?.[1];
    if (id) return { id, line: `LXC container ${id} (control group ${path})` };
  }
  const root = mounts.findLast(({ mountPoint }) => mountPoint === '/');
  const volume = root === undefined ? undefined : `${root.source} ${root.root}`;
  // LVM (dashes doubled), ZFS and Btrfs, directory storages: vm-101-disk-0, subvol-101-disk-0.
  const id = /(?:vm-{1,2}|subvol-|basevol-)(\d{3,9})-{1,2}disk/.exec(volume ?? '')?.[1];
  return id === undefined ? null : { id, line: `LXC container ${id} (/ is ${root?.source})` };
}

/** Text of a file; null also where this user may not read it, since then it says nothing. */
async function readAllowed(host: HostReader, path: string): Promise<string | null> {
  try {
    return await host.readText(path);
  } catch (error) {
    if (errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM') return null;
    throw error;
  }
}
