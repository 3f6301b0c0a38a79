import { capabilityCheck } from '#agent/cli/doctor/capability-check';
import { judgeGpus } from '#agent/cli/doctor/gpu-check';

export const amdCheck = capabilityCheck('amd', {
  about: 'AMD GPUs',
  judge: judgeGpus,
  fix: 'look at dmesg for amdgpu, and whether this user may open /dev/kfd',
  ofAgent: true,
});
