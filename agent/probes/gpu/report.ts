import { z } from 'zod';
import { GPU_DEVICES_MAX } from '#agent/contract/gpu-capability';

const bytes = z.int().nonnegative();
const path = z.string().max(4096);

/** What a library answered instead of success; `code` is null when the call could not be made at all. */
export const driverErrorSchema = z.strictObject({
  call: z.string().max(100),
  code: z.int().nullable(),
  text: z.string().max(300),
});
export type DriverError = z.infer<typeof driverErrorSchema>;

export const allocationReportSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('proved'), bytes }),
  z.strictObject({ state: z.literal('failed'), error: driverErrorSchema }),
  /** So little is free that trying could take the memory from somebody who needs it. */
  z.strictObject({ state: z.literal('left_out') }),
  /** NVML shows the device, CUDA does not: CUDA_VISIBLE_DEVICES. */
  z.strictObject({ state: z.literal('hidden') }),
]);
export type AllocationReport = z.infer<typeof allocationReportSchema>;

export const deviceReportSchema = z.strictObject({
  index: z.int().nonnegative(),
  uuid: z.string().max(100).nullable(),
  name: z.string().max(200).nullable(),
  /** As sysfs writes it: 0000:3b:00.0. */
  pciAddress: z.string().max(40).nullable(),
  memoryTotalBytes: bytes.nullable(),
  memoryUsedBytes: bytes.nullable(),
  utilisationPercent: z.int().min(0).max(100).nullable(),
  /** nvmlComputeMode_t: 0 default, 1 exclusive thread, 2 prohibited, 3 exclusive process. */
  computeMode: z.int().nullable(),
  /** What ended the look at this device. */
  error: driverErrorSchema.nullable(),
  /** Null where it was not come to: the device or the CUDA driver failed before. */
  allocation: allocationReportSchema.nullable(),
});
export type DeviceReport = z.infer<typeof deviceReportSchema>;

/** What the short-lived process that asks NVIDIA's libraries prints: one JSON document, raw answers only. */
export const gpuReportSchema = z.strictObject({
  nvml: z.strictObject({
    path: path.nullable(),
    /** From the name of the file behind the link, such as libnvidia-ml.so.550.54.15. */
    fileVersion: z.string().max(100).nullable(),
    error: driverErrorSchema.nullable(),
  }),
  cuda: z.strictObject({ path: path.nullable(), error: driverErrorSchema.nullable() }),
  driverVersion: z.string().max(100).nullable(),
  /** 1000 × major + 10 × minor: 12040 is CUDA 12.4. */
  cudaVersion: z.int().nullable(),
  devices: z.array(deviceReportSchema).max(GPU_DEVICES_MAX),
});
export type GpuReport = z.infer<typeof gpuReportSchema>;
