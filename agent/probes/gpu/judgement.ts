import type { GpuAllocation, GpuCapability, GpuDevice } from '#agent/contract/gpu-capability';
import {
  CUDA_ERROR_DEVICE_UNAVAILABLE,
  CUDA_ERROR_NO_DEVICE,
  CUDA_ERROR_OUT_OF_MEMORY,
  CUDA_ERROR_SYSTEM_DRIVER_MISMATCH,
  CUDA_ERROR_SYSTEM_NOT_READY,
} from './cuda';
import { CUDA_LIBRARY, NVML_LIBRARY } from './libraries';
import type { DeviceReport, DriverError, GpuReport } from './report';
import type { NvidiaSigns, Surroundings } from './nvidia-signs';
import {
  NVML_COMPUTEMODE_PROHIBITED,
  NVML_ERROR_DRIVER_NOT_LOADED,
  NVML_ERROR_GPU_IS_LOST,
  NVML_ERROR_LIB_RM_VERSION_MISMATCH,
  NVML_ERROR_NO_PERMISSION,
  NVML_ERROR_RESET_REQUIRED,
} from './nvml';
import type { Finding } from '#agent/probes/probe';

/** Where a report was made: what its codes mean depends on it. */
export interface ReportContext {
  signs: NvidiaSigns;
  surroundings: Surroundings;
}

export type Judgement = Extract<Finding<GpuCapability>, { state: 'present' }> | { trouble: string };

/**
 * What a report comes to: devices, each with what became of its allocation, or the one sentence that
 * says why none works and what to do. One broken device of several breaks only itself.
 */
export function judgeReport(report: GpuReport, context: ReportContext): Judgement {
  const trouble = libraryTrouble(report, context);
  if (trouble !== undefined) return { trouble };
  const devices = report.devices.map((device) => judgeDevice(device, report, context));
  const errors = devices.flatMap(({ allocation }) =>
    allocation.state === 'failed' ? [allocation.error] : [],
  );
  if (errors.length === devices.length) return { trouble: allFailed(errors) };
  const { driverVersion, cudaVersion, nvml } = report;
  const runtime = cudaVersion === null ? null : `CUDA ${cudaText(cudaVersion)}`;
  return {
    state: 'present',
    value: { vendor: 'nvidia', gpuType: 'CUDA', driver: driverVersion, runtime, devices },
    derivation: [
      `driver ${driverVersion ?? 'of unknown version'} (NVML ${nvml.path ?? ''})`,
      ...(runtime === null ? [] : [`${runtime} is the newest runtime that this driver offers (NVML)`]),
      ...devices.map(deviceLine),
    ],
  };
}

function allFailed(errors: readonly string[]): string {
  const [first = ''] = errors;
  if (errors.length === 1) return first;
  return new Set(errors).size === 1
    ? `All ${errors.length} devices: ${first}`
    : `None of ${errors.length} devices works, the first one: ${first}`;
}

/** Why there is nothing to say of any device; undefined when there is. */
function libraryTrouble(report: GpuReport, { signs, surroundings }: ReportContext): string | undefined {
  const { nvml, devices } = report;
  if (nvml.path === null) return missingLibrary(NVML_LIBRARY, { signs, surroundings });
  if (nvml.error !== null) return nvmlTrouble(nvml.error, report, { signs, surroundings });
  if (devices.length > 0) return undefined;
  return surroundings.isContainer
    ? `The driver shows this container no device. On the host: ${surroundings.grant}; then ${surroundings.restart}.`
    : 'The driver runs and shows no device. Look for NVRM and Xid in the kernel log (dmesg), then reboot.';
}

function missingLibrary(name: string, { signs, surroundings }: ReportContext): string {
  const { kernelDriver } = signs;
  const where = 'or set gpu_library_dir to its directory';
  if (!surroundings.isContainer)
    return `${name} is not there. Install the driver's libraries (Debian: apt install nvidia-driver), ${where}.`;
  const version = kernelDriver === null ? "the host's version" : `version ${kernelDriver}, the host's`;
  return (
    `${name} is not in this container. Install the driver's libraries here in ${version} ` +
    `(NVIDIA-Linux run file with --no-kernel-modules; with Docker NVIDIA_DRIVER_CAPABILITIES=compute,utility), ${where}.`
  );
}

/** It is of another processor, damaged, or so old that it lacks a call. */
function unusableLibrary(name: string, { text }: DriverError): string {
  return `${name} cannot be loaded: ${text}. Install a driver of version 450 or later for this machine.`;
}

function nvmlTrouble(
  error: DriverError,
  { nvml }: GpuReport,
  { signs, surroundings }: ReportContext,
): string {
  const said = describeDriverError('NVML', error);
  switch (error.code) {
    case null:
      return unusableLibrary(NVML_LIBRARY, error);
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
      return mismatch(nvml.fileVersion, { signs, surroundings });
    case NVML_ERROR_DRIVER_NOT_LOADED:
      return surroundings.isContainer
        ? `${said}. Load the driver on the host (modprobe nvidia), then ${surroundings.restart}.`
        : `${said}. Load it with modprobe nvidia; when that fails, dmesg says why.`;
    case NVML_ERROR_GPU_IS_LOST:
      return lost(said);
    case NVML_ERROR_NO_PERMISSION:
      return `${said}. Let this user open /dev/nvidia* (ls -l /dev/nvidia*).`;
    default:
      return surroundings.isContainer
        ? `${said}. In a container this mostly means that it lost its devices: ${surroundings.restart}.`
        : `${said}. Look for NVRM and Xid in the kernel log (dmesg), then reboot.`;
  }
}

function mismatch(library: string | null, { signs, surroundings }: ReportContext): string {
  const kernel = signs.kernelDriver ?? 'another version';
  const state = `Driver and library differ: the kernel runs ${kernel}, the library is ${library ?? 'of another version'}.`;
  return surroundings.isContainer
    ? `${state} Install the libraries of ${kernel} in this container (NVIDIA-Linux run file with --no-kernel-modules), ` +
        'whenever the host gets a new driver.'
    : `${state} Reboot, so that the kernel loads the installed driver; if they still differ, reinstall it.`;
}

function lost(said: string): string {
  return (
    `${said}: it has fallen off the bus. Look for Xid in the kernel log (dmesg), reboot the machine; ` +
    'when it comes back, check power, cooling and seating of the card.'
  );
}

function judgeDevice(device: DeviceReport, report: GpuReport, context: ReportContext): GpuDevice {
  const { index, uuid, pciAddress, name } = device;
  return {
    index,
    id: uuid ?? pciAddress ?? `nvidia${index}`,
    model: name ?? 'NVIDIA device',
    memoryTotalBytes: device.memoryTotalBytes,
    memoryUsedBytes: device.memoryUsedBytes,
    utilisationPercent: device.utilisationPercent,
    allocation: judgeAllocation(device, report, context),
  };
}

function judgeAllocation(device: DeviceReport, report: GpuReport, context: ReportContext): GpuAllocation {
  const failed = (error: string): GpuAllocation => ({ state: 'failed', error: error.slice(0, 500) });
  if (device.error !== null) return failed(deviceTrouble(device.error));
  if (device.computeMode === NVML_COMPUTEMODE_PROHIBITED)
    return failed('Its compute mode is "prohibited". Allow work with nvidia-smi -c DEFAULT.');
  const { allocation } = device;
  if (allocation?.state === 'left_out') return { state: 'busy', reason: inUse(device) };
  if (report.cuda.path === null) return failed(missingLibrary(CUDA_LIBRARY, context));
  if (report.cuda.error !== null) return failed(cudaTrouble(report.cuda.error, report, context));
  switch (allocation?.state) {
    case 'proved':
      return allocation;
    case 'failed':
      return judgeFailure(allocation.error, device);
    case 'hidden':
    case undefined:
      return { state: 'untried', reason: 'CUDA does not show it: CUDA_VISIBLE_DEVICES leaves it out' };
  }
}

function deviceTrouble(error: DriverError): string {
  const said = describeDriverError('NVML', error);
  if (error.code === NVML_ERROR_GPU_IS_LOST) return lost(said);
  if (error.code === NVML_ERROR_RESET_REQUIRED)
    return `${said}. Stop what uses it and run nvidia-smi --gpu-reset, or reboot.`;
  return `${said}. Look for NVRM and Xid in the kernel log (dmesg), then reboot.`;
}

function cudaTrouble(
  error: DriverError,
  { nvml }: GpuReport,
  { signs, surroundings }: ReportContext,
): string {
  const said = describeDriverError('CUDA', error);
  if (error.code === null) return unusableLibrary(CUDA_LIBRARY, error);
  if (error.code === CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)
    return mismatch(nvml.fileVersion, { signs, surroundings });
  if (error.code === CUDA_ERROR_SYSTEM_NOT_READY)
    return `${said}. On machines with NVSwitch start its manager: systemctl start nvidia-fabricmanager.`;
  if (signs.nodes.length > 0 && !signs.nodes.includes('nvidia-uvm')) {
    const load = 'nvidia-modprobe -u -c=0';
    return surroundings.isContainer
      ? `${said}: /dev/nvidia-uvm is missing. On the host run ${load}, then ${surroundings.grant}.`
      : `${said}: /dev/nvidia-uvm is missing. Run ${load}.`;
  }
  if (error.code === CUDA_ERROR_NO_DEVICE)
    return `${said}. Check CUDA_VISIBLE_DEVICES of the agent's environment.`;
  return `${said}. Look for NVRM and Xid in the kernel log (dmesg), then reboot.`;
}

/** Memory that others use says nothing against a device; memory that nobody uses and that is refused does. */
function judgeFailure(error: DriverError, device: DeviceReport): GpuAllocation {
  const said = describeDriverError('CUDA', error);
  const { memoryTotalBytes, memoryUsedBytes } = device;
  const isMostlyUsed = (memoryUsedBytes ?? 0) * 2 > (memoryTotalBytes ?? Infinity);
  if (error.code === CUDA_ERROR_OUT_OF_MEMORY && isMostlyUsed)
    return { state: 'busy', reason: inUse(device) };
  // Of the modes only "exclusive process" is left: "prohibited" was not tried.
  if (error.code === CUDA_ERROR_DEVICE_UNAVAILABLE && device.computeMode !== 0)
    return { state: 'busy', reason: 'another process has it for itself (compute mode exclusive)' };
  const figures = memoryUsedBytes === null ? '' : ` with ${figure(memoryUsedBytes)} in use`;
  const fix = 'Look for Xid in the kernel log (dmesg), run nvidia-smi --gpu-reset without users, or reboot.';
  return { state: 'failed', error: `${said}${figures}. ${fix}`.slice(0, 500) };
}

function inUse({ memoryTotalBytes, memoryUsedBytes }: DeviceReport): string {
  return `${figure(memoryUsedBytes)} of ${figure(memoryTotalBytes)} of its memory are in use`;
}

function deviceLine({ index, model, memoryTotalBytes, allocation }: GpuDevice): string {
  const name = `GPU ${index}: ${model}, ${figure(memoryTotalBytes)}`;
  switch (allocation.state) {
    case 'proved':
      return `${name}; ${allocation.bytes / 2 ** 20} MiB allocated, written, read back and freed (CUDA driver)`;
    case 'busy':
    case 'untried':
      return `${name}; ${allocation.reason}`;
    case 'failed':
      return `${name}; does not work: ${allocation.error}`;
  }
}

/** "NVML: GPU is lost (nvmlDeviceGetHandleByIndex_v2 gave 15)". */
function describeDriverError(library: string, { call, code, text }: DriverError): string {
  return code === null ? `${library}: ${text}` : `${library}: ${text} (${call} gave ${code})`;
}

function cudaText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

function figure(bytes: number | null): string {
  return bytes === null ? 'memory of unknown size' : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
