/**
 * The CUDA driver API, as far as proving a device takes it. Names and codes: cuda.h of the CUDA toolkit,
 * as documented in https://docs.nvidia.com/cuda/cuda-driver-api/.
 */
import { CString, dlopen } from 'bun:ffi';
import { describeError } from '#agent/kit/error';
import type { AllocationReport, DriverError } from './report';
import { cText, normalPciAddress } from './nvml';

export const CUDA_ERROR_OUT_OF_MEMORY = 2;
export const CUDA_ERROR_DEVICE_UNAVAILABLE = 46;
export const CUDA_ERROR_NO_DEVICE = 100;
export const CUDA_ERROR_SYSTEM_NOT_READY = 802;
export const CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803;

/** More than the pool that a context brings along, so that the driver has to map memory of the device. */
const ALLOCATION_BYTES = 16 * 2 ** 20;

/** Devices by PCI address; the driver's numbers differ from NVML's. */
export type CudaDevices = ReadonlyMap<string, () => AllocationReport>;

/** Starts the driver; each device that it shows can then be tried. Blocks for a second or more. */
export function openCuda(path: string): { error: DriverError } | { devices: CudaDevices } {
  let library: Cuda;
  try {
    library = openLibrary(path);
  } catch (error) {
    return { error: { call: 'dlopen', code: null, text: describeError(error).slice(0, 300) } };
  }
  const { symbols } = library;
  const started = symbols.cuInit(0);
  if (started !== SUCCESS) return { error: errorOf(library, 'cuInit', started) };
  const count = new Int32Array(1);
  const counted = symbols.cuDeviceGetCount(count);
  if (counted !== SUCCESS) return { error: errorOf(library, 'cuDeviceGetCount', counted) };
  const devices = new Map<string, () => AllocationReport>();
  for (let ordinal = 0; ordinal < (count[0] ?? 0); ordinal++) {
    const device = new Int32Array(1);
    const address = Buffer.alloc(PCI_ADDRESS_BYTES);
    if (symbols.cuDeviceGet(device, ordinal) !== SUCCESS) continue;
    const [handle = 0] = device;
    if (symbols.cuDeviceGetPCIBusId(address, address.length, handle) !== SUCCESS) continue;
    const key = normalPciAddress(cText(address));
    if (key !== null) devices.set(key, () => tryAllocation(library, handle));
  }
  return { devices };
}

const SUCCESS = 0;
const PCI_ADDRESS_BYTES = 32;

type Cuda = ReturnType<typeof openLibrary>;

function openLibrary(path: string) {
  return dlopen(path, {
    cuInit: { args: ['u32'], returns: 'i32' },
    cuGetErrorName: { args: ['i32', 'ptr'], returns: 'i32' },
    cuDeviceGetCount: { args: ['ptr'], returns: 'i32' },
    cuDeviceGet: { args: ['ptr', 'i32'], returns: 'i32' },
    cuDeviceGetPCIBusId: { args: ['ptr', 'i32', 'i32'], returns: 'i32' },
    // CUcontext is a pointer and CUdeviceptr an unsigned long long: both integers here.
    cuDevicePrimaryCtxRetain: { args: ['ptr', 'i32'], returns: 'i32' },
    cuDevicePrimaryCtxRelease_v2: { args: ['i32'], returns: 'i32' },
    cuCtxSetCurrent: { args: ['u64'], returns: 'i32' },
    cuMemAlloc_v2: { args: ['ptr', 'u64'], returns: 'i32' },
    cuMemcpyHtoD_v2: { args: ['u64', 'ptr', 'u64'], returns: 'i32' },
    cuMemcpyDtoH_v2: { args: ['ptr', 'u64', 'u64'], returns: 'i32' },
    cuMemFree_v2: { args: ['u64'], returns: 'i32' },
  });
}

/** A context, memory in it, a pattern there and back. Everything is given back, also after a failure. */
function tryAllocation(library: Cuda, device: number): AllocationReport {
  const { symbols } = library;
  const failed = (call: string, code: number): AllocationReport => ({
    state: 'failed',
    error: errorOf(library, call, code),
  });
  const context = new BigUint64Array(1);
  const retained = symbols.cuDevicePrimaryCtxRetain(context, device);
  if (retained !== SUCCESS) return failed('cuDevicePrimaryCtxRetain', retained);
  try {
    const current = symbols.cuCtxSetCurrent(context[0] ?? 0n);
    if (current !== SUCCESS) return failed('cuCtxSetCurrent', current);
    const address = new BigUint64Array(1);
    const allocated = symbols.cuMemAlloc_v2(address, ALLOCATION_BYTES);
    if (allocated !== SUCCESS) return failed('cuMemAlloc_v2', allocated);
    const [memory = 0n] = address;
    const result = writeAndReadBack(library, memory);
    const freed = symbols.cuMemFree_v2(memory);
    return freed === SUCCESS || result.state === 'failed' ? result : failed('cuMemFree_v2', freed);
  } finally {
    symbols.cuDevicePrimaryCtxRelease_v2(device);
  }
}

function writeAndReadBack(library: Cuda, memory: bigint): AllocationReport {
  const { symbols } = library;
  // 251 is a prime: the pattern repeats at no power of two, so a wrong page does not look right.
  const written = Buffer.alloc(
    ALLOCATION_BYTES,
    Uint8Array.from({ length: 251 }, (_, index) => index),
  );
  const read = Buffer.alloc(ALLOCATION_BYTES);
  const sent = symbols.cuMemcpyHtoD_v2(memory, written, ALLOCATION_BYTES);
  if (sent !== SUCCESS) return { state: 'failed', error: errorOf(library, 'cuMemcpyHtoD_v2', sent) };
  const received = symbols.cuMemcpyDtoH_v2(read, memory, ALLOCATION_BYTES);
  if (received !== SUCCESS) return { state: 'failed', error: errorOf(library, 'cuMemcpyDtoH_v2', received) };
  if (read.equals(written)) return { state: 'proved', bytes: ALLOCATION_BYTES };
  const text = 'what was read back is not what was written';
  return { state: 'failed', error: { call: 'cuMemcpyDtoH_v2', code: null, text } };
}

function errorOf({ symbols }: Cuda, call: string, code: number): DriverError {
  const name = new BigUint64Array(1);
  const isKnown = symbols.cuGetErrorName(code, name) === SUCCESS;
  const text = isKnown ? CString(name[0] ?? 0n) : `error ${code}`;
  return { call, code, text: text.slice(0, 300) };
}
