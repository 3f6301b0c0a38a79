import { writeSync } from 'node:fs';
import { dieWithParent } from '#agent/kit/process';
import { openCuda } from './cuda';
import { CUDA_LIBRARY, findLibrary, libraryDirectories, NVML_LIBRARY } from './libraries';
import type { AllocationReport, DeviceReport, GpuReport } from './report';
import { askNvml, NVML_COMPUTEMODE_PROHIBITED, type NvmlAnswer } from './nvml';

/**
 * `ktrdr-agent __gpu [directory of the libraries]`: looks at NVIDIA's devices, tries each, prints a
 * GpuReport. A process of its own, since the driver may block for ever, and since a CUDA context holds
 * memory of the device until its process ends.
 */
export function runGpuLook([directory]: readonly string[]): void {
  dieWithParent(process.ppid);
  writeSync(STDOUT, JSON.stringify(look(directory)));
}

const STDOUT = 1;

function look(directory: string | undefined): GpuReport {
  const directories = directory === undefined ? libraryDirectories(process.arch) : [directory];
  const nvml = findLibrary(NVML_LIBRARY, directories);
  const cuda = findLibrary(CUDA_LIBRARY, directories);
  const answer: NvmlAnswer =
    nvml === undefined
      ? { error: null, driverVersion: null, cudaVersion: null, devices: [] }
      : askNvml(nvml.path);
  // Without a device that is worth trying the second library is not woken.
  const tried =
    cuda === undefined || !answer.devices.some(isWorthTrying)
      ? { error: null, devices: answer.devices }
      : tryDevices(cuda.path, answer.devices);
  return {
    nvml: { path: nvml?.path ?? null, fileVersion: nvml?.version ?? null, error: answer.error },
    cuda: { path: cuda?.path ?? null, error: tried.error },
    driverVersion: answer.driverVersion,
    cudaVersion: answer.cudaVersion,
    devices: tried.devices,
  };
}

function tryDevices(
  path: string,
  devices: DeviceReport[],
): { error: GpuReport['cuda']['error']; devices: DeviceReport[] } {
  const free = devices.filter((device) => isWorthTrying(device) && !isNearlyFull(device));
  if (free.length === 0) return { error: null, devices: devices.map(leaveOut) };
  const cuda = openCuda(path);
  if ('error' in cuda) return { error: cuda.error, devices };
  const hidden = (): AllocationReport => ({ state: 'hidden' });
  const tried = devices.map((device) => {
    if (!free.includes(device)) return leaveOut(device);
    const attempt = cuda.devices.get(device.pciAddress ?? '') ?? hidden;
    return { ...device, allocation: attempt() };
  });
  return { error: null, devices: tried };
}

function isWorthTrying({ error, computeMode }: DeviceReport): boolean {
  return error === null && computeMode !== NVML_COMPUTEMODE_PROHIBITED;
}

function leaveOut(device: DeviceReport): DeviceReport {
  return isWorthTrying(device) ? { ...device, allocation: { state: 'left_out' } } : device;
}

/** A context of a data-centre device takes about 500 MiB, one of a small card about 100. */
const CONTEXT_BYTES_MAX = 512 * 2 ** 20;

/** Whether trying could take memory that a job is about to need: free < min(512 MiB, 10 % of all). */
export function isNearlyFull({ memoryTotalBytes, memoryUsedBytes }: DeviceReport): boolean {
  if (memoryTotalBytes === null || memoryUsedBytes === null) return false;
  return memoryTotalBytes - memoryUsedBytes < Math.min(CONTEXT_BYTES_MAX, memoryTotalBytes / 10);
}
