import type { MemoryCapability } from '#agent/contract/capability';
import { describeNoLimit, readCgroupChain, type CgroupChain, type CgroupGroup } from './cgroup';
import { isLxcfs, readMounts } from './mounts';
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
  const { limits, rootHasFile } = await readLimits(host, chain);
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
      ...(limits.length === 0
        ? [describeNoLimit({ name: 'limit', controller: 'memory' }, chain, rootHasFile)]
        : limits.map((limit) => limit.line)),
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

async function readLimits(
  host: HostReader,
  chain: CgroupChain | null,
): Promise<{ limits: Limit[]; rootHasFile: boolean }> {
  if (chain === null) return { limits: [], rootHasFile: false };
  const perGroup = await Promise.all(
    chain.groups.map((group) => readGroupLimits(host, chain.version, group)),
  );
  const limits = perGroup.flatMap((group) => group ?? []);
  const least = Math.min(...limits.map((limit) => limit.limitBytes));
  const hidden = chain.version === 1 ? await readHiddenLimit(host, chain, least) : [];
  return { limits: [...limits, ...hidden], rootHasFile: (perGroup.at(-1) ?? null) !== null };
}

/** Null where the group has no file for it. */
async function readGroupLimits(
  host: HostReader,
  version: 1 | 2,
  group: CgroupGroup,
): Promise<Limit[] | null> {
  const read = (name: string): Promise<string | null> => host.readText(`${group.directory}/${name}`);
  const names = FILES[version].limits;
  const texts = await Promise.all(names.map(async (name) => ({ name, text: await read(name) })));
  if (texts.every(({ text }) => text === null)) return null;
  const limited = texts.flatMap(({ name, text }) => {
    const limitBytes = parseLimit(text);
    return limitBytes === null ? [] : [{ name, limitBytes }];
  });
  // The kernel sums up a whole tree for memory.stat: only where there is a limit.
  if (limited.length === 0) return [];
  const workingSetBytes = await readWorkingSet(host, version, group);
  return limited.map((limit) => limitOf({ ...limit, workingSetBytes, at: group.name }));
}

/** As Kubernetes counts it: inactive page cache is given back on demand. */
async function readWorkingSet(host: HostReader, version: 1 | 2, group: CgroupGroup): Promise<number> {
  const { usage, cache } = FILES[version];
  const [used, stat] = await Promise.all(
    [usage, 'memory.stat'].map((name) => host.readText(`${group.directory}/${name}`)),
  );
  return Math.max(0, Number(used?.trim() ?? 0) - Number(statistic(stat ?? null, cache) ?? 0));
}

/**
 * Below a namespace, version 1 still says the least limit up to the machine's own root, as a statistic
 * of the group. How much others use of that does not show.
 */
async function readHiddenLimit(host: HostReader, chain: CgroupChain, leastBytes: number): Promise<Limit[]> {
  const [own] = chain.groups;
  if (own === undefined) return [];
  const name = 'hierarchical_memory_limit';
  const limitBytes = parseLimit(statistic(await host.readText(`${own.directory}/memory.stat`), name));
  if (limitBytes === null || limitBytes >= leastBytes) return [];
  const workingSetBytes = await readWorkingSet(host, 1, own);
  return [limitOf({ name, limitBytes, workingSetBytes, at: own.name })];
}

function statistic(stat: string | null, name: string): string | null {
  return new RegExp(`^${name} (\\d+)$`, 'm').exec(stat ?? '')?.[1] ?? null;
}

function limitOf(found: { name: string; limitBytes: number; workingSetBytes: number; at: string }): Limit {
  const { name, limitBytes, workingSetBytes, at } = found;
  return {
    limitBytes,
    availableBytes: Math.max(0, limitBytes - workingSetBytes),
    line: `limit ${gibibytes(limitBytes)} (${name} ${limitBytes} at ${at})`,
  };
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
