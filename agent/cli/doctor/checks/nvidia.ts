import { capabilityCheck } from '#agent/cli/doctor/capability-check';
import { judgeGpus } from '#agent/cli/doctor/gpu-check';

export const nvidiaCheck = capabilityCheck('nvidia', {
  about: 'NVIDIA GPUs, proved by an allocation',
  judge: judgeGpus,
  fix: 'nvidia-smi says more; after an update of the driver reboot, or reload its kernel modules',
  ofAgent: true,
});
