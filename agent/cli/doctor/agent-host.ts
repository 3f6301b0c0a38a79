import type { HostReader } from '#agent/probes/host';

const SELF = '/proc/self/';

/**
 * The machine as the process `pid` sees it: its control groups, affinity, mounts and limits, which for
 * a service are mostly others than those of the shell that doctor is called from.
 */
export function hostOf(pid: number, host: HostReader): HostReader {
  return {
    ...host,
    readText: (path) =>
      host.readText(path.startsWith(SELF) ? `/proc/${pid}/${path.slice(SELF.length)}` : path),
  };
}

/** Whether this user may look at that process: without it, its own view is better than none. */
export async function isReadable(pid: number, host: HostReader): Promise<boolean> {
  try {
    const texts = await Promise.all([
      host.readText(`/proc/${pid}/cgroup`),
      host.readText(`/proc/${pid}/mountinfo`),
      host.readText(`/proc/${pid}/limits`),
    ]);
    return texts.every((text) => text !== null);
  } catch {
    return false;
  }
}
