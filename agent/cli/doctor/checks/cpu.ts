import { fine, warning, type Finding } from '#agent/contract/doctor';
import { readCgroupChain } from '#agent/probes/cgroup';
import { parseCpuMax, parseCfsQuota } from '#agent/probes/cpu';
import type { HostReader } from '#agent/probes/host';
import { liftLimit } from '#agent/cli/doctor/cgroup-limit';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** How many cores may really be used; a quota below one core slows everything down, heartbeats too. */
export const cpuCheck: LocalCheck = {
  name: 'cpu',
  topic: 'machine',
  about: 'cores that may really be used: machine, affinity, quotas',
  run: checkCpu,
};

async function checkCpu(patient: Patient): Promise<Finding> {
  const { cpu, virtualisation } = await patient.capabilities();
  if (cpu.state === 'failed') {
    return warning(`it could not be told: ${cpu.error}`, { fix: 'look at the load of this machine' });
  }
  if (cpu.state === 'absent') return fine(`not known: ${cpu.reason}`, cpu.derivation);
  const { usableCores, logicalCores, quotaCores, model } = cpu.value;
  const summary = `${usableCores} of ${logicalCores} cores usable, ${model}`;
  if (quotaCores === null || quotaCores >= 1) return fine(summary, cpu.derivation);
  return warning(`a quota leaves ${quotaCores} cores: less than one, so everything here runs late`, {
    fix: await liftQuota(await patient.serviceHost(), quotaCores, virtualisation),
    derivation: cpu.derivation,
  });
}

type Virtualisation = Parameters<typeof liftLimit>[3];

async function liftQuota(host: HostReader, cores: number, virtualisation: Virtualisation): Promise<string> {
  const chain = await readCgroupChain(host, 'cpu');
  for (const group of chain?.groups ?? []) {
    if (chain === null || (await quotaOf(host, chain.version, group.directory)) !== cores) continue;
    const command =
      chain.version === 2
        ? { file: 'cpu.max', unlimited: 'max' }
        : { file: 'cpu.cfs_quota_us', unlimited: '-1' };
    return liftLimit(
      chain,
      group,
      { ...command, property: 'CPUQuota=', pct: '--cpulimit 0' },
      virtualisation,
    );
  }
  return 'raise the CPU limit of this machine or container';
}

async function quotaOf(host: HostReader, version: 1 | 2, directory: string): Promise<number | null> {
  if (version === 2) return parseCpuMax((await host.readText(`${directory}/cpu.max`)) ?? '');
  const quota = (await host.readText(`${directory}/cpu.cfs_quota_us`)) ?? '';
  return parseCfsQuota(quota, (await host.readText(`${directory}/cpu.cfs_period_us`)) ?? '');
}
