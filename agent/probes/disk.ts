import type { DiskCapability, DiskSpace } from '#agent/contract/capability';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

export interface DiskDirectories {
  stateDirectory: string;
  cacheDirectory: string;
}

/** Space on the filesystems of the state and the cache directory. */
export function diskProbe(directories: DiskDirectories): Probe<'disk'> {
  return { name: 'disk', periodMs: 30_000, probe: (host) => probeDisk(host, directories) };
}

async function probeDisk(host: HostReader, directories: DiskDirectories): Promise<Finding<DiskCapability>> {
  const [state, cache] = await Promise.all([
    readSpace(host, directories.stateDirectory),
    readSpace(host, directories.cacheDirectory),
  ]);
  const missing = state === null ? directories.stateDirectory : directories.cacheDirectory;
  if (state === null || cache === null) {
    return { state: 'absent', reason: `there is no directory ${missing}`, derivation: [] };
  }
  return {
    state: 'present',
    value: { stateDirectory: state, cacheDirectory: cache },
    derivation: [describe('state', state), describe('cache', cache)],
  };
}

async function readSpace(host: HostReader, path: string): Promise<DiskSpace | null> {
  const space = await host.statfs(path);
  return space && { path, ...space };
}

function describe(use: string, space: DiskSpace): string {
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  return `${gib(space.availableBytes)} of ${gib(space.totalBytes)} GiB free for ${use} (statfs ${space.path})`;
}
