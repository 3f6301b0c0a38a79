import type { MemoryCapability } from '#agent/contract/capability';
import { isLxcfs, readCgroupChain, readMounts, type CgroupChain, type CgroupGroup } from './cgroup';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

const MEMINFO = '/proc/meminfo';

/** How much memory this process may really use: machine, and limits up to the root. */
export const memoryProbe: Probe<'memory'> = {
  name: 'memory',
  periodMs: 10_000,
  probe: probeMemory,
};

export async function probeMemory(host: HostReader): Promise<Finding<MemoryCapability>> {
  const [text, mounts, chain] = await Promise.all([
    host.readText(MEMINFO),
    readMounts(host),
    readCgroupChain(host, 'memory'),
  ]);
  const machine = text === null ? null : parseMeminfo(text);
  if (machine === null) {
    const reason = text === null ? `there is no ${MEMINFO}` : `${MEMINFO} has no MemTotal`;
    return { state: 'absent', reason, derivation: [] };
  }
  const limits = chain === null ? [] : await readLimits(host, chain);
  const limitBytes = limits.length === 0 ? null : Math.min(...limits.map((limit) => limit.limitBytes));
  const usableBytes = Math.min(machine.totalBytes, limitBytes ?? Infinity);
  const availableBytes = Math.min(machine.availableBytes, ...limits.map((limit) => limit.availableBytes));
  return {
    state: 'present',
    value: { totalBytes: machine.totalBytes, limitBytes, usableBytes, availableBytes },
    derivation: [
      `${gibibytes(machine.totalBytes)} in all (MemTotal ${machine.totalBytes / 1024} kB${
        isLxcfs(mounts, MEMINFO) ? ', virtualised by lxcfs for this container' : ''
      })`,
      ...(limits.length === 0 ? [noLimitLine(chain)] : limits.map((limit) => limit.line)),
      `${gibibytes(usableBytes)} usable`,
    ],
  };
}

/** MemTotal and MemAvailable of /proc/meminfo (its "kB" are KiB); null without MemTotal. */
export function parseMeminfo(text: string): { totalBytes: number; availableBytes: number } | null {
  const field = (name: string): number | undefined => {
    const match = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text);
    return match === null ? undefined : Number(match[1]) * 1024;
  };
  const totalBytes = field('MemTotal');
  if (totalBytes === undefined) return null;
  // Kernels before 3.14, and some lxcfs, lack MemAvailable.
  return { totalBytes, availableBytes: field('MemAvailable') ?? field('MemFree') ?? 0 };
}

/** Bytes of a limit file; null for "max", and for version 1's "huge", which is 2^63 less a page. */
export function parseLimit(text: string | null): number | null {
  const trimmed = text?.trim() ?? '';
  if (!/^\d+$/.test(trimmed)) return null;
  const limitBytes = Number(trimmed);
  return limitBytes >= 2 ** 53 ? null : limitBytes;
}

interface Limit {
  limitBytes: number;
  availableBytes: number;
  line: string;
}

const FILES = {
  1: { limits: ['memory.limit_in_bytes'], usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' },
  // Above memory.high a group is throttled to a crawl: for planning it is a limit as well.
  2: { limits: ['memory.max', 'memory.high'], usage: 'memory.current', cache: 'inactive_file' },
} as const;

async function readLimits(host: HostReader, chain: CgroupChain): Promise<Limit[]> {
  const perGroup = chain.groups.map((group) => readGroupLimits(host, chain.version, group));
  return (await Promise.all(perGroup)).flat();
}

async function readGroupLimits(host: HostReader, version: 1 | 2, group: CgroupGroup): Promise<Limit[]> {
  const names = FILES[version];
  const read = (name: string): Promise<string | null> => host.readText(`${group.directory}/${name}`);
  const texts = await Promise.all(names.limits.map(async (name) => ({ name, text: await read(name) })));
  const limited = texts.flatMap(({ name, text }) => {
    const limitBytes = parseLimit(text);
    return limitBytes === null ? [] : [{ name, limitBytes }];
  });
  if (limited.length === 0) return [];
  const [usage, stat] = await Promise.all([read(names.usage), read('memory.stat')]);
  const inactive = new RegExp(`^${names.cache} (\\d+)$`, 'm').exec(stat ?? '')?.[1];
  // Working set as Kubernetes counts it: inactive page cache is given back on demand.
  const workingSetBytes = Math.max(0, Number(usage?.trim() ?? 0) - Number(inactive ?? 0));
  return limited.map(({ name, limitBytes }) => ({
    limitBytes,
    availableBytes: Math.max(0, limitBytes - workingSetBytes),
    line: `limit ${gibibytes(limitBytes)} (${name} ${limitBytes} at ${group.name})`,
  }));
}

function noLimitLine(chain: CgroupChain | null): string {
  if (chain === null) return 'no limit (no memory control group is mounted)';
  return `no limit (cgroup v${chain.version}, from ${chain.groups[0]?.name} up)`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
