import { capabilityCheck } from '#agent/cli/doctor/capability-check';
import { judgeGpus } from '#agent/cli/doctor/gpu-check';

export const nvidiaCheck = capabilityCheck('nvidia', {
  judge: judgeGpus,
  fix: 'nvidia-smi says more; after an update of the driver reboot, or reload its kernel modules',
  ofAgent: true,
});
