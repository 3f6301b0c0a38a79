import { fine, warning, type Finding } from '#agent/contract/doctor';
import type { GpuCapability } from '#agent/contract/gpu-capability';

/** The GPUs of one vendor: a device that cannot allocate memory is none. */
export function judgeGpus(value: GpuCapability, derivation: readonly string[]): Finding {
  const names = Map.groupBy(value.devices, ({ model }) => model);
  const devices = [...names].map(([model, of]) => (of.length === 1 ? model : `${of.length} × ${model}`));
  const versions = [value.driver === null ? null : `driver ${value.driver}`, value.runtime];
  const summary = [devices.join(', '), ...versions.filter((version) => version !== null)].join(', ');
  const failed = value.devices.find(({ allocation }) => allocation.state === 'failed');
  if (failed === undefined || failed.allocation.state !== 'failed') return fine(summary, derivation);
  return warning(`GPU ${failed.index} (${failed.model}) gives no memory: ${failed.allocation.error}`, {
    fix: 'do what it says; the vendor’s tool (nvidia-smi) and the kernel log (dmesg) say more',
    derivation,
  });
}
