import type { CpuCapability } from '#agent/contract/capability';
import { describeNoLimit, readCgroupChain, type CgroupChain } from './cgroup';
import { isLxcfs, readMounts } from './mounts';
import type { HostReader } from './host';
import type { Finding, Probe } from './probe';

const CPUINFO = '/proc/cpuinfo';
const ONLINE = '/sys/devices/system/cpu/online';

/** How many cores this process may really use: machine, affinity, and quotas up to the root. */
export const cpuProbe: Probe<'cpu'> = {
  name: 'cpu',
  // Quota and pinning of a running container can be changed from outside.
  periodMs: 60_000,
  probe: probeCpu,
};

async function probeCpu(host: HostReader): Promise<Finding<CpuCapability>> {
  const [cpuinfo, online, status, mounts, chain] = await Promise.all([
    host.readText(CPUINFO),
    host.readText(ONLINE),
    host.readText('/proc/self/status'),
    readMounts(host),
    readCgroupChain(host, 'cpu'),
  ]);
  if (cpuinfo === null) return { state: 'absent', reason: `there is no ${CPUINFO}`, derivation: [] };
  const info = parseCpuinfo(cpuinfo);
  const shown = { cpuinfo: isLxcfs(mounts, CPUINFO), online: isLxcfs(mounts, ONLINE) };
  const machine = machineCores(info.processors, online, shown);
  const affinity = affinityCores(status ?? '', machine);
  const quota = await smallestQuota(host, chain);
  const usableCores = Math.min(machine.cores, affinity.cores, quota.cores ?? Infinity);
  return {
    state: 'present',
    value: {
      model: info.model,
      logicalCores: machine.cores,
      affinityCores: affinity.cores,
      quotaCores: quota.cores,
      usableCores,
    },
    derivation: [
      ...machine.derivation,
      affinity.line,
      ...quota.derivation,
      `${countCores(usableCores)} usable`,
    ],
  };
}

/** Model and number of processors of /proc/cpuinfo; arm64 kernels name no model. */
export function parseCpuinfo(text: string): { model: string; processors: number } {
  const model = /^(?:model name|Model|Hardware)\s*:\s*(.+)$/m.exec(text)?.[1];
  const processors = text.match(/^processor\s*:/gm)?.length ?? 0;
  return { model: (model ?? 'unknown').trim().slice(0, 200), processors };
}

/** Parses a kernel CPU list as "0-3,8,10-11"; null when it is not one. */
export function parseCpuList(text: string): Set<number> | null {
  const cpus = new Set<number>();
  for (const range of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range);
    if (!match) return null;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus;
}

/** Cores of a version 2 quota, "<quota|max> <period>" in microseconds; null without a limit. */
export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(' ').map(Number);
  return coresOf(quota, period);
}

/** Cores of a version 1 quota and period in microseconds; null without a limit (quota -1). */
export function parseCfsQuota(quotaText: string, periodText: string): number | null {
  return coresOf(Number(quotaText), Number(periodText));
}

function coresOf(quota: number | undefined, period: number | undefined): number | null {
  if (!quota || !period || quota <= 0 || period <= 0) return null;
  // The kernel's smallest quota over its longest period is 0.001 cores.
  return Math.max(0.001, Math.round((quota / period) * 1000) / 1000);
}

interface MachineCores {
  cores: number;
  /** The numbers of the machine's online cores; null when not known, or when lxcfs may have renumbered them. */
  online: Set<number> | null;
  derivation: string[];
}

function machineCores(
  processors: number,
  online: string | null,
  lxcfs: { cpuinfo: boolean; online: boolean },
): MachineCores {
  const list = online === null ? null : parseCpuList(online);
  const derivation: string[] = [];
  if (lxcfs.cpuinfo || list === null) {
    const by = lxcfs.cpuinfo ? ', virtualised by lxcfs for this container' : '';
    derivation.push(`${countCores(processors)} shown in ${CPUINFO}${by}`);
  }
  if (list !== null) {
    const by = lxcfs.online ? ', virtualised by lxcfs for this container' : '';
    derivation.push(`${countCores(list.size)} online (${ONLINE} ${online?.trim()}${by})`);
  }
  // Behind lxcfs the processor count carries limits that are set outside the visible groups.
  const bounds = [list?.size, list === null || lxcfs.cpuinfo ? processors : undefined];
  const cores = Math.min(...bounds.filter((bound) => bound !== undefined && bound > 0).map(Number));
  return {
    cores: Number.isFinite(cores) ? cores : 1,
    online: lxcfs.online ? null : list,
    derivation,
  };
}

function affinityCores(status: string, machine: MachineCores): { cores: number; line: string } {
  const text = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  const allowed = text === undefined ? null : parseCpuList(text);
  if (allowed === null || allowed.size === 0) {
    return { cores: machine.cores, line: 'affinity not known (no Cpus_allowed_list in /proc/self/status)' };
  }
  // Cpusets of either version act through this mask too. It may name possible cores that are not online.
  const cores = machine.online === null ? allowed.size : allowed.intersection(machine.online).size;
  const of = Math.max(machine.online?.size ?? machine.cores, cores);
  return {
    cores: Math.max(1, cores),
    line: `${cores} of ${countCores(of)} allowed by affinity (Cpus_allowed_list ${text})`,
  };
}

function countCores(count: number): string {
  return `${count} ${count === 1 ? 'core' : 'cores'}`;
}

interface Quota {
  cores: number | null;
  derivation: string[];
}

async function smallestQuota(host: HostReader, chain: CgroupChain | null): Promise<Quota> {
  const groups = chain?.groups ?? [];
  const quotas = await Promise.all(groups.map((group) => readQuota(host, chain?.version ?? 2, group)));
  const limits = quotas.flatMap((quota) =>
    quota === null || quota.cores === null ? [] : [{ cores: quota.cores, line: quota.line }],
  );
  if (limits.length === 0) {
    const line = describeNoLimit(
      { name: 'quota', controller: 'cpu' },
      chain,
      (quotas.at(-1) ?? null) !== null,
    );
    return { cores: null, derivation: [line] };
  }
  return {
    cores: Math.min(...limits.map((limit) => limit.cores)),
    derivation: limits.map((limit) => limit.line),
  };
}

/** Null where the group has no file for it. */
async function readQuota(
  host: HostReader,
  version: 1 | 2,
  group: { name: string; directory: string },
): Promise<{ cores: number | null; line: string } | null> {
  const read = (name: string): Promise<string | null> => host.readText(`${group.directory}/${name}`);
  if (version === 2) {
    const text = await read('cpu.max');
    if (text === null) return null;
    const cores = parseCpuMax(text);
    return { cores, line: `quota ${countCores(cores ?? 0)} (cpu.max ${text.trim()} at ${group.name})` };
  }
  const [quota, period] = await Promise.all([read('cpu.cfs_quota_us'), read('cpu.cfs_period_us')]);
  if (quota === null || period === null) return null;
  const cores = parseCfsQuota(quota, period);
  const figures = `cpu.cfs_quota_us ${quota.trim()}, cpu.cfs_period_us ${period.trim()}`;
  return { cores, line: `quota ${countCores(cores ?? 0)} (${figures} at ${group.name})` };
}
