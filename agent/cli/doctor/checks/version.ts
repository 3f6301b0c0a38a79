import { fine, warning, type Finding } from '#agent/contract/doctor';
import { buildInfo } from '#agent/kit/build-info';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** Whether this program, what runs here, and the control plane are of one version. */
export const versionCheck: LocalCheck = {
  name: 'version',
  topic: 'node',
  about: 'whether everything is of one version',
  run: checkVersion,
};

async function checkVersion(patient: Patient): Promise<Finding> {
  const { version, commit, target } = buildInfo;
  const derivation = [`this program: ${version} (${commit}, ${target})`];
  const { health, url } = await patient.control();
  const others = new Map<string, string>();
  for (const { name, port, answer } of await patient.services()) {
    if (answer.kind === 'agent' || answer.kind === 'control') {
      others.set(`${name} at port ${port}`, answer.health.version);
    }
  }
  if (health !== null) others.set(`the control plane at ${url}`, health.version);
  for (const [who, of] of others) derivation.push(`${who}: ${of}`);
  const [other] = [...others].filter(([, of]) => of !== version);
  if (other === undefined) return fine(`${version} everywhere`, derivation);
  return warning(`${other[0]} runs version ${other[1]}, this program is ${version}`, {
    fix: `install one version everywhere, then restart what still runs the other one`,
    derivation,
  });
}
