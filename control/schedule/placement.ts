import { gpusOf, summarizeCapabilities, type Capabilities } from '#agent/contract/capability';
import type { GpuCapability, GpuDevice } from '#agent/contract/gpu-capability';
import type { Needs } from '#agent/contract/kind';
import type { Refusal, Verdict } from '#agent/contract/worker';

/** A node as placement sees it. */
export interface PlacementNode {
  nodeId: string;
  name: string;
  verdict: Verdict;
  slots: number;
  freeSlots: number;
  capabilities: Capabilities;
}

interface Reason {
  applies(needs: Needs, node: PlacementNode): boolean;
  reason(needs: Needs, node: PlacementNode): string;
  fix(node: PlacementNode): string;
  /** The node may take the work later without anybody's doing. */
  temporary: boolean;
}

/** Every reason for which a node does not take work, most telling first. */
const REASONS: readonly Reason[] = [
  {
    applies: (_, node) => node.verdict.state === 'stopped' || node.verdict.state === 'lost',
    reason: (_, node) => `${node.verdict.state}: ${node.verdict.cause}`,
    fix: () => 'start the agent on that machine: ktrdr-agent run --role worker',
    temporary: false,
  },
  {
    applies: (_, node) => node.verdict.state === 'cut-off',
    reason: (_, node) => `cut off: ${node.verdict.cause}`,
    fix: () => 'let that machine reach the API of the control plane: ktrdr-agent doctor there names the way',
    temporary: false,
  },
  {
    applies: (_, node) => node.verdict.state === 'quarantined',
    reason: (_, node) => `quarantined: ${node.verdict.cause}`,
    fix: () => 'on the copy, remove state_dir/identity.json and restart the agent',
    temporary: false,
  },
  {
    applies: (_, node) => node.verdict.state === 'draining',
    reason: (_, node) => `draining: ${node.verdict.cause}`,
    fix: (node) => `ktrdr-agent undrain ${node.name} ends the drain; or start another agent`,
    temporary: false,
  },
  {
    applies: (_, node) => node.slots === 0,
    reason: () => 'it has no slots',
    fix: () => 'set KTRDR_SLOTS on that agent to 1 or more',
    temporary: false,
  },
  {
    applies: (needs, node) => needs.cores > (supplyOf(node.capabilities).cores ?? 0),
    reason: (needs, node) => {
      const { cores } = supplyOf(node.capabilities);
      return cores === null ? 'its CPU could not be probed' : `needs ${needs.cores} cores, it has ${cores}`;
    },
    fix: () => 'raise the CPU limit of that machine or container',
    temporary: false,
  },
  {
    applies: (needs, node) => needs.memoryBytes > (supplyOf(node.capabilities).memoryBytes ?? 0),
    reason: (needs, node) => {
      const { memoryBytes } = supplyOf(node.capabilities);
      if (memoryBytes === null) return 'its memory could not be probed';
      return `needs ${mebibytes(needs.memoryBytes)} of memory, it has ${mebibytes(memoryBytes)}`;
    },
    fix: () => 'raise the memory limit of that machine or container',
    temporary: false,
  },
  {
    applies: (needs, node) => needs.gpu === 'required' && !supplyOf(node.capabilities).gpu,
    reason: (_, node) => missingGpu(node.capabilities).reason,
    fix: (node) => missingGpu(node.capabilities).fix,
    temporary: false,
  },
  {
    applies: (_, node) => node.freeSlots === 0,
    reason: (_, node) => `all of its ${node.slots} slots are busy`,
    fix: () => 'wait, or start another agent',
    temporary: true,
  },
];

/** Why a node does not take this work now; undefined when it does. */
export function refusal(needs: Needs, node: PlacementNode): Refusal | undefined {
  const found = REASONS.find((reason) => reason.applies(needs, node));
  if (found === undefined) return undefined;
  return {
    worker_id: node.nodeId,
    worker_name: node.name,
    reason: found.reason(needs, node),
    fix: found.fix(node),
    temporary: found.temporary,
  };
}

/** The work a node gets out of what waits, best first: as many as it has free slots. */
export function choose<T extends { needs: Needs }>(candidates: readonly T[], node: PlacementNode): T[] {
  const chosen: T[] = [];
  for (const candidate of candidates) {
    const rest = { ...node, freeSlots: node.freeSlots - chosen.length };
    if (refusal(candidate.needs, rest) === undefined) chosen.push(candidate);
  }
  return chosen;
}

export interface PlacementAnswer {
  /** Some node takes it now. */
  now: boolean;
  /** Some node could take it, busy or not. */
  possible: boolean;
  /** One row for each node that does not take it now. */
  refusals: Refusal[];
}

/** The one answer to "can this run", "why is it waiting" and "no workers available". */
export function place(needs: Needs, nodes: readonly PlacementNode[]): PlacementAnswer {
  const refusals = nodes.flatMap((node) => refusal(needs, node) ?? []);
  return {
    now: refusals.length < nodes.length,
    possible: refusals.length < nodes.length || refusals.some((row) => row.temporary),
    refusals,
  };
}

/** What a node surely has; null for what its probe could not tell. */
export function supplyOf(capabilities: Capabilities): {
  cores: number | null;
  memoryBytes: number | null;
  gpu: boolean;
} {
  const { cpu, memory } = capabilities;
  return {
    // A container with half a core still runs one job at a time, only slower.
    cores: cpu.state === 'present' ? Math.max(1, cpu.value.usableCores) : null,
    memoryBytes: memory.state === 'present' ? memory.value.usableBytes : null,
    gpu: summarizeCapabilities(capabilities).gpu,
  };
}

/** Why no GPU of a node counts. One that is there and does not work says more than that there is none. */
function missingGpu(capabilities: Capabilities): { reason: string; fix: string } {
  const { nvidia, apple } = capabilities;
  for (const fact of [nvidia, apple]) {
    if (fact?.state !== 'failed') continue;
    const fix = 'do what the reason says on that machine: ktrdr-agent doctor there shows when it helped';
    return { reason: `needs a GPU, its own failed: ${fact.error}`, fix };
  }
  const other = 'start an agent on a GPU machine, or ask for gpu: preferred';
  for (const gpus of gpusOf(capabilities)) {
    const [device] = gpus.devices;
    if (device !== undefined) return { reason: unusableGpu(gpus, device), fix: other };
  }
  const why = nvidia?.state === 'absent' ? ` (${nvidia.reason})` : '';
  return { reason: `needs a GPU, it has none${why}`, fix: other };
}

function unusableGpu({ gpuType }: GpuCapability, { model, allocation }: GpuDevice): string {
  if (gpuType === null) return `needs a GPU, jobs have no runtime for its ${model}`;
  const why = allocation.state === 'untried' ? allocation.reason : allocation.state;
  return `needs a GPU, its ${model} does not count: ${why}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
