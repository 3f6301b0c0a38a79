import { hostname, homedir, networkInterfaces, userInfo } from 'node:os';
import { join } from 'node:path';
import { probeTargets } from '#agent/daemon/probe-targets';
import { silentLog } from '#agent/kit/log';
import { Redactor } from '#agent/probes/recording/redact';
import { recordHost } from '#agent/probes/recording/recording';
import type { Patient } from './patient';

/**
 * Writes what the probes read of this machine, and the findings, into a new folder for a bug report;
 * what identifies machine and owner is replaced. Fault(conflict) when the folder is not empty.
 */
export async function recordExamination(
  folder: string,
  patient: Patient,
  document: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { settings, clock } = patient;
  const targets = probeTargets(settings.values, undefined);
  await recordHost(folder, { targets, clock, log: silentLog });
  const redactor = new Redactor(
    {
      hostname: hostname(),
      userName: userInfo().username,
      homeDirectory: homedir(),
      servers: [new URL(settings.values.api_url).hostname].filter((name) => /[a-z]/i.test(name)),
      directories: {},
    },
    networkInterfaces(),
  );
  // A short name of a host is too common a word to be replaced wherever it stands.
  const findings = JSON.stringify({ ...document, hostname: 'node' }, null, 2);
  await Bun.write(join(folder, 'doctor.json'), `${redactor.text(findings)}\n`);
}
