import { gpusOf, type Capabilities } from '#agent/contract/capability';
import { usableDevices, type GpuCapability } from '#agent/contract/gpu-capability';

export const NO_GPU = '–';

/** "2× H200 140 GiB", "1 of 2× H200 140 GiB", "H200 unusable", "failed", or a dash where there is none. */
export function gpuCell(facts: Capabilities): string {
  const shown = gpusOf(facts).map(describe);
  if ([facts.nvidia, facts.apple, facts.amd].some((fact) => fact?.state === 'failed')) shown.push('failed');
  return shown.join(', ') || NO_GPU;
}

function describe(gpus: GpuCapability): string {
  const usable = usableDevices(gpus);
  const [first] = [...usable, ...gpus.devices];
  if (first === undefined) return NO_GPU;
  const model = shortModel(first.model);
  if (usable.length === 0) return `${model} unusable`;
  const all = gpus.devices.length;
  const count = usable.length === all ? `${all}×` : `${usable.length} of ${all}×`;
  const memory =
    first.memoryTotalBytes === null ? '' : ` ${Math.round(first.memoryTotalBytes / 2 ** 30)} GiB`;
  return `${count} ${model}${memory}`;
}

/** What people call it: without the vendor, the brand, and the number of cores. */
export function shortModel(model: string): string {
  const name = model.replace(/,.*$/, '').trim();
  const short = name.replace(/^(NVIDIA|AMD|Apple)\s+/i, '');
  return short.replace(/^(GeForce|Tesla|Quadro|Instinct|Radeon)\s+(?=\S)/i, '') || model;
}
