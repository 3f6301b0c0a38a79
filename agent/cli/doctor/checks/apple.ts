import { capabilityCheck } from '#agent/cli/doctor/capability-check';
import { judgeGpus } from '#agent/cli/doctor/gpu-check';

export const appleCheck = capabilityCheck('apple', {
  about: 'GPUs of Apple',
  judge: judgeGpus,
  fix: 'system_profiler SPDisplaysDataType says what the system sees',
  ofAgent: true,
});
