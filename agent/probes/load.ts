import type { Load } from '#agent/contract/capability';
import type { HostReader } from './host';
import { probeMemory } from './memory';

/** Figures that change with every heartbeat; what cannot be read is null, never an error. */
export async function readLoad(host: HostReader): Promise<Load> {
  const [loadavg, memory] = await Promise.allSettled([host.readText('/proc/loadavg'), probeMemory(host)]);
  const found = memory.status === 'fulfilled' ? memory.value : null;
  return {
    load1: loadavg.status === 'fulfilled' ? parseLoadavg(loadavg.value ?? '') : null,
    memoryAvailableBytes: found?.state === 'present' ? found.value.availableBytes : null,
  };
}

/** The one-minute mean of /proc/loadavg (proc_loadavg(5)). */
export function parseLoadavg(text: string): number | null {
  const match = /^(\d+\.\d+) /.exec(text);
  return match === null ? null : Number(match[1]);
}
