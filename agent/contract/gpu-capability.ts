import { z } from 'zod';

export const GPU_DEVICES_MAX = 64;

const bytes = z.int().nonnegative();

/** What became of the attempt to allocate memory on a device: the only proof that it works. */
export const gpuAllocationSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('proved'), bytes }),
  /** Its memory is in use: that says nothing against the device. */
  z.strictObject({ state: z.literal('busy'), reason: z.string().max(500) }),
  z.strictObject({ state: z.literal('failed'), error: z.string().max(500) }),
  /** Nothing here can allocate on such a device. */
  z.strictObject({ state: z.literal('untried'), reason: z.string().max(500) }),
]);
export type GpuAllocation = z.infer<typeof gpuAllocationSchema>;

export const gpuDeviceSchema = z.strictObject({
  /** As the driver numbers it, from 0. */
  index: z.int().nonnegative(),
  /** What stays the same across restarts: UUID (NVIDIA), PCI address (AMD), name (Apple). */
  id: z.string().max(100),
  model: z.string().max(200),
  /** Null where the driver does not say. */
  memoryTotalBytes: bytes.nullable(),
  memoryUsedBytes: bytes.nullable(),
  /** Share of the last sample period in which a kernel ran, 0 to 100. */
  utilisationPercent: z.number().min(0).max(100).nullable(),
  allocation: gpuAllocationSchema,
});
export type GpuDevice = z.infer<typeof gpuDeviceSchema>;

/** The GPUs of one vendor. */
export const gpuCapabilitySchema = z.strictObject({
  vendor: z.enum(['amd', 'apple', 'nvidia']),
  /** KTRDR's word for the runtime that jobs use; null when none of ours runs on this vendor. */
  gpuType: z.enum(['CUDA', 'MPS']).nullable(),
  /** Version of the driver, such as 550.54.15; null where it has none of its own. */
  driver: z.string().max(100).nullable(),
  /** Version of the runtime that the driver offers, such as "CUDA 12.4". */
  runtime: z.string().max(100).nullable(),
  devices: z.array(gpuDeviceSchema).min(1).max(GPU_DEVICES_MAX),
});
export type GpuCapability = z.infer<typeof gpuCapabilitySchema>;

/**
 * The devices that jobs may use: proven by an allocation, or at work for others. Metal is part of the
 * system on Apple silicon and counts untried; without a runtime of ours no device counts.
 */
export function usableDevices({ gpuType, devices }: GpuCapability): GpuDevice[] {
  if (gpuType === null) return [];
  return devices.filter(({ allocation: { state } }) => {
    return state === 'proved' || state === 'busy' || (state === 'untried' && gpuType === 'MPS');
  });
}
