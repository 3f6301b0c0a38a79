import { capabilityCheck } from '#agent/cli/doctor/capability-check';

export const ibCheck = capabilityCheck('ib', {
  about: 'access to Interactive Brokers',
  judge: ({ host, port, connectMs }) => `${host}:${port} takes connections (${connectMs.toFixed(1)} ms)`,
  fix: 'start IB Gateway or TWS with its API enabled, or correct ib_host and ib_port',
  isExpected: ({ settings }) =>
    settings.values.ib_host !== undefined || settings.values.ib_port !== undefined,
  ofAgent: true,
});
