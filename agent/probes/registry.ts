import { cpuProbe } from './cpu';
import { diskProbe } from './disk';
import { memoryProbe } from './memory';
import type { ProbeSet } from './probe';

/** What the settings say of where to look. */
export interface ProbeTargets {
  stateDirectory: string;
  cacheDirectory: string;
}

/** Every probe, alphabetical. A new one is its file, a line here and its key in the contract. */
export function allProbes(targets: ProbeTargets): ProbeSet {
  return {
    cpu: cpuProbe,
    disk: diskProbe(targets),
    memory: memoryProbe,
  };
}
