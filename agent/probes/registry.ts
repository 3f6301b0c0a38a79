import { cpuProbe } from './cpu';
import { diskProbe, type DiskDirectories } from './disk';
import { memoryProbe } from './memory';
import type { ProbeSet } from './probe';

/** Every probe, alphabetical. A new one is its file, a line here and its key in the contract. */
export function allProbes(directories: DiskDirectories): ProbeSet {
  return {
    cpu: cpuProbe,
    disk: diskProbe(directories),
    memory: memoryProbe,
  };
}
