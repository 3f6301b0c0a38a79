import { stat } from 'node:fs/promises';
import { broken, fine, warning, type Finding } from '#agent/contract/doctor';
import { SETTINGS } from '#agent/contract/settings';
import { isLoopbackAddress } from '#agent/kit/ip-address';
import { describeSettingOrigin, type LoadedSettings } from '#agent/daemon/settings';
import { plural } from '#agent/cli/figures';
import { gravest, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** Whether the settings can be used, and do not contradict each other. All that is wrong is told at once. */
export const settingsCheck: LocalCheck = {
  name: 'settings',
  topic: 'settings',
  about: 'file, origins, unknown keys, values, contradictions',
  run: checkSettings,
};

async function checkSettings(patient: Patient): Promise<Finding> {
  const { settings, settingsFaults } = patient;
  const services = await patient.services();
  const derivation = [
    ...derivationOf(settings),
    ...services.flatMap((service) => ownSettings(service, settings)),
  ];
  const faults = settingsFaults.map((fault) =>
    broken(fault.message, { fix: fault.hint ?? 'ktrdr-agent config', derivation: [] }),
  );
  const contradictions = findContradictions(settings, services);
  const mode = await checkMode(settings);
  const unread = unreadNames([settings, ...services.map((service) => service.settings)]);
  const findings = [...faults, ...contradictions, ...mode, ...unread];
  if (findings.length > 0) {
    const worst = gravest(findings);
    return { ...worst, derivation: [...worst.derivation, ...derivation] };
  }
  const set = Object.values(settings.origins).filter(({ from }) => from !== 'default').length;
  const from = settings.file ?? (patient.fleet === undefined ? 'no file' : 'the fleet of `dev up`');
  const changed =
    set === 0
      ? 'every setting is at its default'
      : plural(set, 'setting is not at its default', 'settings are not at their defaults');
  return fine(`${from}; ${changed}`, derivation);
}

/** Names in the environment that nothing reads, of this shell and of what runs here; each told once. */
function unreadNames(all: readonly LoadedSettings[]): Finding[] {
  const warnings = new Map(all.flatMap((each) => each.warnings).map((each) => [each.message, each]));
  return [...warnings.values()].map(({ name, message, hint }) =>
    warning(message, { fix: hint ?? `take ${name} out of the environment` }),
  );
}

/** What a running service was started with, where it is not what this command would use. */
function ownSettings(
  { name, holder, isRunning, settings: own }: Service,
  settings: LoadedSettings,
): string[] {
  if (!isRunning || holder === undefined || own === settings) return [];
  const names = Object.keys(SETTINGS).filter((key) => key !== 'role') as Array<keyof typeof SETTINGS>;
  const differing = names.filter((key) => !Bun.deepEquals(own.values[key], settings.values[key]));
  if (differing.length === 0) return [];
  return [`${name} (pid ${holder.pid}) was started with other values of ${differing.join(', ')}`];
}

const HIDDEN = '(hidden)';

function derivationOf({ values, origins, file }: LoadedSettings): string[] {
  const lines = [file === null ? 'there is no settings file' : `file ${file} was read`];
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const key = name as keyof typeof SETTINGS;
    const origin = origins[key];
    if (origin.from === 'default') continue;
    const value = 'secret' in setting ? HIDDEN : JSON.stringify(values[key]);
    lines.push(`${name} = ${value} (${describeSettingOrigin(origin)})`);
  }
  return lines;
}

/** Each is fine alone, and not with the others. */
export function findContradictions(
  { values, origins }: LoadedSettings,
  services: readonly Pick<Service, 'role'>[],
): Finding[] {
  const has = (role: Service['role']): boolean => services.some((service) => service.role === role);
  const findings: Finding[] = [];
  if (values.lease < 3 * values.heartbeat) {
    findings.push(
      warning(
        `lease (${values.lease} ms) is shorter than three heartbeats (${values.heartbeat} ms): one that is late loses work`,
        {
          fix: `set lease to ${3 * values.heartbeat}ms at least, or heartbeat to ${Math.floor(values.lease / 3)}ms`,
        },
      ),
    );
  }
  for (const [role, setting] of [
    ['control', 'api_host'],
    ['worker', 'worker_host'],
  ] as const) {
    if (!has(role) || values.insecure || isLoopbackAddress(values[setting])) continue;
    findings.push(
      broken(`${setting} is ${values[setting]}, which is only allowed on loopback without TLS`, {
        fix: `set ${setting} to 127.0.0.1, or insecure to true (KTRDR_INSECURE=true) if the network is yours alone`,
      }),
    );
  }
  const url = new URL(values.api_url);
  const urlPort = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const isSaid = origins.role.from !== 'default' && values.role.includes('control');
  if (
    isSaid &&
    isLoopbackAddress(url.hostname) &&
    origins.api_url.from !== 'dev fleet' &&
    urlPort !== values.api_port
  ) {
    findings.push(
      warning(
        `api_url points to port ${urlPort} of this machine, the control plane listens on ${values.api_port}`,
        {
          fix: `set api_url to http://127.0.0.1:${values.api_port}, or api_port to ${urlPort}`,
        },
      ),
    );
  }
  return findings;
}

/** Whoever may write the file decides what the agent runs as. */
async function checkMode({ file, origins }: LoadedSettings): Promise<Finding[]> {
  if (file === null) return [];
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    () => 0,
  );
  const octal = mode.toString(8).padStart(4, '0');
  if ((mode & 0o002) !== 0) {
    return [warning(`everybody may write ${file} (mode ${octal})`, { fix: `chmod o-w ${file}` })];
  }
  if (origins.database_url.from === 'file' && (mode & 0o004) !== 0) {
    return [
      warning(`everybody may read ${file} (mode ${octal}), which holds database_url`, {
        fix: `chmod o-r ${file}`,
      }),
    ];
  }
  return [];
}
