import { canonicalSha256 } from '#agent/kit/canonical-json';
import { gpusOf, summarizeCapabilities, type Capabilities } from './capability';
import { usableDevices } from './gpu-capability';

/**
 * What a node says of itself in gossip: a summary that lets others choose whom to ask, never a record.
 * A change is sent to everybody, so figures that move by themselves have no place here.
 */
export interface NodeTags {
  role: 'control' | 'worker';
  /** Node id of an agent; id of the installation of a control plane. */
  id: string;
  version: string;
  /** Port of the API, where the address of the member is that of the host; null where there is none. */
  apiPort: number | null;
  /** Such as 2xH200; null without one that jobs can use. */
  gpu: string | null;
  cores: number | null;
  /** Whether Interactive Brokers answers there. */
  ib: boolean;
  /** First 8 hex digits of a hash over what the node can do; equal ones mean the same machine as before. */
  capabilities: string | null;
}

/** Names are short: every byte is paid for by every member, again and again. */
const TAG = {
  role: 'role',
  id: 'id',
  version: 'v',
  apiPort: 'api',
  gpu: 'gpu',
  cores: 'cpu',
  ib: 'ib',
  capabilities: 'cap',
} as const;

/** The tag of a field of NodeTags, as people may name it; any other name is a tag itself. */
export function tagNamed(name: string): string {
  return Object.hasOwn(TAG, name) ? TAG[name as keyof typeof TAG] : name;
}

const MODEL_CHARS_MAX = 24;

export function writeNodeTags(tags: NodeTags): Map<string, string> {
  const { role, id, version, apiPort, gpu, cores, ib, capabilities } = tags;
  const entries: Array<[string, string | null]> = [
    [TAG.role, role],
    [TAG.id, id],
    [TAG.version, version.slice(0, 30)],
    [TAG.apiPort, apiPort === null ? null : String(apiPort)],
    [TAG.gpu, gpu],
    [TAG.cores, cores === null ? null : String(cores)],
    [TAG.ib, ib ? '1' : null],
    [TAG.capabilities, capabilities],
  ];
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Undefined for a member that is none of ours, such as a plain serf agent. */
export function readNodeTags(tags: ReadonlyMap<string, string>): NodeTags | undefined {
  const role = tags.get(TAG.role);
  const id = tags.get(TAG.id);
  if ((role !== 'control' && role !== 'worker') || id === undefined) return undefined;
  return {
    role,
    id,
    version: tags.get(TAG.version) ?? '',
    apiPort: numberIn(tags.get(TAG.apiPort), 65_535),
    gpu: tags.get(TAG.gpu) ?? null,
    cores: numberIn(tags.get(TAG.cores), 1_000_000),
    ib: tags.get(TAG.ib) === '1',
    capabilities: tags.get(TAG.capabilities) ?? null,
  };
}

/** The part of the tags that comes from the probes. */
export function capabilityTags(
  capabilities: Capabilities,
): Pick<NodeTags, 'gpu' | 'cores' | 'ib' | 'capabilities'> {
  const { cores } = summarizeCapabilities(capabilities);
  return {
    gpu: gpuTag(capabilities),
    cores,
    ib: capabilities.ib?.state === 'present',
    capabilities: canonicalSha256(lasting(capabilities)).slice(0, 8),
  };
}

function gpuTag(capabilities: Capabilities): string | null {
  for (const gpus of gpusOf(capabilities)) {
    const devices = usableDevices(gpus);
    const [first] = devices;
    if (first === undefined) continue;
    const model = first.model.replace(/^(NVIDIA|AMD|Apple)\s+/, '').replaceAll(/\s+/g, '-');
    return `${devices.length}x${model.slice(0, MODEL_CHARS_MAX)}`;
  }
  return null;
}

/** What moves by itself: a hash over it would change all the time. */
const VOLATILE = new Set([
  'availableBytes',
  'connectMs',
  'derivation',
  'memoryUsedBytes',
  'probedAtMs',
  'roundTripMs',
  'seenNodes',
  'utilisationPercent',
]);

function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, inner]) => !VOLATILE.has(key) && inner !== undefined);
  return Object.fromEntries(kept.map(([key, inner]) => [key, lasting(inner)]));
}

function numberIn(text: string | undefined, maximum: number): number | null {
  if (text === undefined || !/^\d{1,7}$/.test(text)) return null;
  const number = Number(text);
  return number <= maximum ? number : null;
}
