import type { HostReader } from './host';

export interface Mount {
  /** The directory of the filesystem that is mounted: "/" or, for bind mounts, a part of it. */
  root: string;
  mountPoint: string;
  /** Of this mount alone, such as "noexec". */
  options: string[];
  type: string;
  /** A device, what a network file system calls its own, or a word such as "tmpfs". */
  source: string;
  superOptions: string[];
}

export async function readMounts(host: HostReader): Promise<Mount[]> {
  return parseMounts((await host.readText('/proc/self/mountinfo')) ?? '');
}

/** Whether lxcfs answers for this file, or for its directory, so that it shows the container's share of the machine. */
export function isLxcfs(mounts: readonly Mount[], path: string): boolean {
  return mounts.some(({ type, mountPoint }) => type === 'fuse.lxcfs' && isWithin(path, mountPoint));
}

/** The mount that holds a path: the longest mount point above it, of equal ones the last, which covers the others. */
export function holdingMount(path: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts
    .filter(({ mountPoint }) => isWithin(path, mountPoint))
    .reduce<Mount | undefined>(
      (best, next) => (best === undefined || next.mountPoint.length >= best.mountPoint.length ? next : best),
      undefined,
    );
}

function isWithin(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

/** Parses /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // A variable number of optional fields ends with a single hyphen.
    const [before, after] = line.split(' - ', 2);
    const [, , , root, mountPoint, options] = before?.split(' ') ?? [];
    const [type, source, superOptions] = after?.split(' ') ?? [];
    if (!root || !mountPoint || !type) continue;
    mounts.push({
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      options: options?.split(',') ?? [],
      type,
      source: unescapeOctal(source ?? ''),
      superOptions: superOptions?.split(',') ?? [],
    });
  }
  return mounts;
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
