import { capabilityCheck } from '#agent/cli/doctor/capability-check';
import { judgeGpus } from '#agent/cli/doctor/gpu-check';

export const nvidiaCheck = capabilityCheck('nvidia', {
  about: 'NVIDIA GPUs, proved by an allocation',
  judge: judgeGpus,
  fix: 'do what it says; nvidia-smi and the kernel log (dmesg) say more',
  ofAgent: true,
});
