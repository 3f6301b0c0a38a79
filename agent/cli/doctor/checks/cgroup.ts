import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { fine, skipped, type Finding } from '#agent/contract/doctor';
import { readCgroupChain } from '#agent/probes/cgroup';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** Whether jobs could get control groups of their own. */
export const cgroupCheck: LocalCheck = {
  name: 'cgroup',
  topic: 'machine',
  about: 'whether jobs could get control groups of their own',
  run: checkCgroup,
};

async function checkCgroup(patient: Patient): Promise<Finding> {
  const host = await patient.serviceHost();
  const chain = await readCgroupChain(host, 'memory');
  const [own] = chain?.groups ?? [];
  if (chain === null || own === undefined) {
    return skipped('this system has no control groups, so jobs cannot be limited');
  }
  const isDelegated = await access(own.directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  const controllers = (await host.readText(`${own.directory}/cgroup.controllers`))?.trim();
  const derivation = [
    `control groups of version ${chain.version}; the service, or doctor itself, is in ${own.name}`,
    `${own.directory} can ${isDelegated ? '' : 'not '}be written by this user`,
    ...(controllers === undefined ? [] : [`controllers there: ${controllers || 'none'}`]),
  ];
  const able = isDelegated ? 'its groups are delegated' : 'its groups are not delegated to this user';
  return fine(`version ${chain.version}, ${able}; jobs are not limited one by one yet`, derivation);
}
