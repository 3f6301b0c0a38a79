import { amdProbe } from './amd';
import { appleProbe } from './apple';
import { cpuProbe } from './cpu';
import { diskProbe } from './disk';
import { ibProbe } from './ib';
import { memoryProbe } from './memory';
import { networkProbe } from './network';
import { nvidiaProbe } from './nvidia';
import type { ProbeSet } from './probe';
import { shareProbe } from './share';
import { softwareProbe, type SoftwareTargets } from './software';
import { virtualisationProbe } from './virtualisation';

/** What the settings say of where to look; undefined is what they do not say. */
export interface ProbeTargets extends SoftwareTargets {
  stateDirectory: string;
  cacheDirectory: string;
  /** By which others on the share know this node; without it no mark is left there. */
  nodeId?: string | undefined;
  ib?: { host: string; port: number } | undefined;
  /** Where NVIDIA's libraries are, where no usual place has them. */
  gpuLibraryDirectory?: string | undefined;
  proxmoxHost?: string | undefined;
  shareDirectory?: string | undefined;
}

/** Every probe, alphabetical. A new one is its file, a line here and its key in the contract. */
export function allProbes(targets: ProbeTargets): ProbeSet {
  return {
    amd: amdProbe,
    apple: appleProbe,
    cpu: cpuProbe,
    disk: diskProbe(targets),
    ib: ibProbe(targets),
    memory: memoryProbe,
    network: networkProbe,
    nvidia: nvidiaProbe(targets.gpuLibraryDirectory),
    share: shareProbe(targets),
    software: softwareProbe(targets),
    virtualisation: virtualisationProbe(targets),
  };
}
