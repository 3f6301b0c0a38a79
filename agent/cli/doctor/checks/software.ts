import { capabilityCheck } from '#agent/cli/doctor/capability-check';

export const softwareCheck = capabilityCheck('software', {
  about: 'what jobs can use beside this program',
  judge: ({ items }) => items.map(({ name, version }) => `${name} ${version}`).join(', ') || 'nothing found',
  fix: 'ktrdr-agent doctor software --explain says what was looked for',
  ofAgent: true,
});
