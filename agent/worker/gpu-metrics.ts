import { Gauge, type Registry } from 'prom-client';
import { usableDevices, type GpuCapability, type GpuDevice } from '#agent/contract/gpu-capability';

const LABELS = ['vendor', 'gpu', 'model'] as const;

/**
 * Gauges of the GPUs of this node, one row a device, as the latest look found them; a figure that the
 * driver does not give has no row.
 * @param gpus every GPU that is known, usable or not.
 */
export function gpuMetrics(registry: Registry, gpus: () => readonly GpuCapability[]): void {
  const registers = [registry];
  const usable: Gauge = new Gauge({
    name: 'ktrdr_worker_gpus_usable',
    help: 'GPUs that jobs may use, at the latest look',
    registers,
    collect: () => usable.set(gpus().reduce((sum, each) => sum + usableDevices(each).length, 0)),
  });
  for (const { name, help, read } of FIGURES) {
    const gauge: Gauge<(typeof LABELS)[number]> = new Gauge({
      name,
      help,
      labelNames: LABELS,
      registers,
      collect: () => {
        gauge.reset();
        for (const { vendor, devices } of gpus()) {
          for (const device of devices) {
            const value = read(device);
            if (value !== null) gauge.set({ vendor, gpu: device.id, model: device.model }, value);
          }
        }
      },
    });
  }
}

interface Figure {
  name: string;
  help: string;
  read: (device: GpuDevice) => number | null;
}

const FIGURES: readonly Figure[] = [
  {
    name: 'ktrdr_worker_gpu_working',
    help: '0 when memory of the GPU could not be allocated, though it is free; else 1',
    read: ({ allocation }) => (allocation.state === 'failed' ? 0 : 1),
  },
  {
    name: 'ktrdr_worker_gpu_memory_total_bytes',
    help: 'Memory of the GPU',
    read: ({ memoryTotalBytes }) => memoryTotalBytes,
  },
  {
    name: 'ktrdr_worker_gpu_memory_used_bytes',
    help: 'Memory of the GPU in use, at the latest look',
    read: ({ memoryUsedBytes }) => memoryUsedBytes,
  },
  {
    name: 'ktrdr_worker_gpu_utilisation_ratio',
    help: 'Share of the sample period before the latest look in which the GPU worked, 0 to 1',
    read: ({ utilisationPercent }) => (utilisationPercent === null ? null : utilisationPercent / 100),
  },
];
