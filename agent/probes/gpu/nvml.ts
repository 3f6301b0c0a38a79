/**
 * NVIDIA's management library. Names, layouts and codes: nvml.h of the CUDA toolkit, as documented in
 * https://docs.nvidia.com/deploy/nvml-api/ (Structs, Enums, and the pages of the functions below).
 */
import { dlopen } from 'bun:ffi';
import { GPU_DEVICES_MAX } from '#agent/contract/gpu-capability';
import { describeError } from '#agent/kit/error';
import type { DeviceReport, DriverError } from './report';

export const NVML_ERROR_NO_PERMISSION = 4;
export const NVML_ERROR_DRIVER_NOT_LOADED = 9;
export const NVML_ERROR_GPU_IS_LOST = 15;
export const NVML_ERROR_RESET_REQUIRED = 16;
export const NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18;
export const NVML_ERROR_UNKNOWN = 999;
export const NVML_COMPUTEMODE_PROHIBITED = 2;

export interface NvmlAnswer {
  error: DriverError | null;
  driverVersion: string | null;
  cudaVersion: number | null;
  /** Without an allocation, which NVML cannot make. */
  devices: DeviceReport[];
}

/** Asks for everything and lets go again. Blocks for seconds where the driver has to wake the devices. */
export function askNvml(path: string): NvmlAnswer {
  const nothing = { driverVersion: null, cudaVersion: null, devices: [] };
  let library: Nvml;
  try {
    library = openNvml(path);
  } catch (error) {
    const text = describeError(error).slice(0, 300);
    return { ...nothing, error: { call: 'dlopen', code: null, text } };
  }
  const { symbols } = library;
  const started = symbols.nvmlInit_v2();
  if (started !== SUCCESS) return { ...nothing, error: errorOf(library, 'nvmlInit_v2', started) };
  try {
    const count = new Uint32Array(1);
    const counted = symbols.nvmlDeviceGetCount_v2(count);
    const devices = Array.from({ length: Math.min(count[0] ?? 0, GPU_DEVICES_MAX) }, (_, index) =>
      askDevice(library, index),
    );
    return {
      error: counted === SUCCESS ? null : errorOf(library, 'nvmlDeviceGetCount_v2', counted),
      driverVersion: text((buffer) => symbols.nvmlSystemGetDriverVersion(buffer, buffer.length)),
      cudaVersion: integer((out) => symbols.nvmlSystemGetCudaDriverVersion_v2(out)),
      devices,
    };
  } finally {
    symbols.nvmlShutdown();
  }
}

const SUCCESS = 0;
/** NVML_DEVICE_NAME_V2_BUFFER_SIZE and NVML_DEVICE_UUID_V2_BUFFER_SIZE; the driver's version needs 80. */
const TEXT_BYTES = 96;
/** nvmlPciInfo_t: char busIdLegacy[16], five unsigned int, char busId[32] that `_v3` fills in. */
const PCI_INFO_BYTES = 68;
const PCI_BUS_ID_OFFSET = 36;

type Nvml = ReturnType<typeof openNvml>;

function openNvml(path: string) {
  return dlopen(path, {
    nvmlInit_v2: { args: [], returns: 'i32' },
    nvmlShutdown: { args: [], returns: 'i32' },
    nvmlErrorString: { args: ['i32'], returns: 'cstring' },
    nvmlSystemGetDriverVersion: { args: ['ptr', 'u32'], returns: 'i32' },
    nvmlSystemGetCudaDriverVersion_v2: { args: ['ptr'], returns: 'i32' },
    nvmlDeviceGetCount_v2: { args: ['ptr'], returns: 'i32' },
    // nvmlDevice_t is an opaque pointer, here an integer of the same size.
    nvmlDeviceGetHandleByIndex_v2: { args: ['u32', 'ptr'], returns: 'i32' },
    nvmlDeviceGetName: { args: ['u64', 'ptr', 'u32'], returns: 'i32' },
    nvmlDeviceGetUUID: { args: ['u64', 'ptr', 'u32'], returns: 'i32' },
    nvmlDeviceGetPciInfo_v3: { args: ['u64', 'ptr'], returns: 'i32' },
    // nvmlMemory_t: unsigned long long total, free, used, in bytes.
    nvmlDeviceGetMemoryInfo: { args: ['u64', 'ptr'], returns: 'i32' },
    // nvmlUtilization_t: unsigned int gpu, memory, in percent.
    nvmlDeviceGetUtilizationRates: { args: ['u64', 'ptr'], returns: 'i32' },
    nvmlDeviceGetComputeMode: { args: ['u64', 'ptr'], returns: 'i32' },
  });
}

function askDevice(library: Nvml, index: number): DeviceReport {
  const { symbols } = library;
  const unknown = {
    index,
    uuid: null,
    name: null,
    pciAddress: null,
    memoryTotalBytes: null,
    memoryUsedBytes: null,
    utilisationPercent: null,
    computeMode: null,
    error: null,
    allocation: null,
  };
  const out = new BigUint64Array(1);
  const opened = symbols.nvmlDeviceGetHandleByIndex_v2(index, out);
  if (opened !== SUCCESS) {
    return { ...unknown, error: errorOf(library, 'nvmlDeviceGetHandleByIndex_v2', opened) };
  }
  const handle = out[0] ?? 0n;
  const memory = new BigUint64Array(3);
  const measured = symbols.nvmlDeviceGetMemoryInfo(handle, memory);
  const [total, , used] = memory;
  const utilisation = new Uint32Array(2);
  const isUtilisationKnown = symbols.nvmlDeviceGetUtilizationRates(handle, utilisation) === SUCCESS;
  return {
    index,
    uuid: text((buffer) => symbols.nvmlDeviceGetUUID(handle, buffer, buffer.length)),
    name: text((buffer) => symbols.nvmlDeviceGetName(handle, buffer, buffer.length)),
    pciAddress: pciAddressOf((buffer) => symbols.nvmlDeviceGetPciInfo_v3(handle, buffer)),
    memoryTotalBytes: measured === SUCCESS ? Number(total) : null,
    memoryUsedBytes: measured === SUCCESS ? Number(used) : null,
    utilisationPercent: isUtilisationKnown ? Math.min(100, utilisation[0] ?? 0) : null,
    computeMode: integer((mode) => symbols.nvmlDeviceGetComputeMode(handle, mode)),
    // Parts with memory of the host's, such as GB10 and vGPUs, do not say: that is no failure.
    error: isBroken(measured) ? errorOf(library, 'nvmlDeviceGetMemoryInfo', measured) : null,
    allocation: null,
  };
}

function isBroken(code: number): boolean {
  return [NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED, NVML_ERROR_UNKNOWN].includes(code);
}

/** "00000000:3B:00.0" of NVML and "0000:3B:00.0" of CUDA as sysfs writes it: "0000:3b:00.0". */
export function normalPciAddress(address: string): string | null {
  const match = /^([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])$/i.exec(address.trim());
  if (match === null) return null;
  const [, domain = '', rest = ''] = match;
  return `${domain.replace(/^0+(?=.{4})/, '')}:${rest}`.toLowerCase();
}

function pciAddressOf(ask: (buffer: Buffer) => number): string | null {
  const buffer = Buffer.alloc(PCI_INFO_BYTES);
  return ask(buffer) === SUCCESS ? normalPciAddress(cText(buffer.subarray(PCI_BUS_ID_OFFSET))) : null;
}

function text(ask: (buffer: Buffer) => number): string | null {
  const buffer = Buffer.alloc(TEXT_BYTES);
  return ask(buffer) === SUCCESS ? cText(buffer) : null;
}

/** What a C library wrote: up to the first NUL. */
export function cText(buffer: Buffer): string {
  const end = buffer.indexOf(0);
  return buffer.toString('utf8', 0, end < 0 ? buffer.length : end);
}

function integer(ask: (out: Int32Array) => number): number | null {
  const out = new Int32Array(1);
  return ask(out) === SUCCESS ? (out[0] ?? null) : null;
}

function errorOf({ symbols }: Nvml, call: string, code: number): DriverError {
  return { call, code, text: (symbols.nvmlErrorString(code) ?? `error ${code}`).slice(0, 300) };
}
