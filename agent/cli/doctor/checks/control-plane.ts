import { broken, fine, type Finding } from '#agent/contract/doctor';
import { describeSettingOrigin } from '#agent/daemon/settings';
import { isLoopbackAddress } from '#agent/kit/ip-address';
import type { ControlContact } from '#agent/cli/doctor/control-contact';
import type { LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** Whether the control plane is reached: name, connection and HTTP apart. Whether it lets us in says `token`. */
export const controlPlaneCheck: LocalCheck = {
  name: 'control-plane',
  topic: 'control',
  about: 'whether it is reached: name, connection and HTTP apart',
  run: checkControl,
};

async function checkControl(patient: Patient): Promise<Finding> {
  const contact = await patient.control();
  const origin = describeSettingOrigin(patient.settings.origins.api_url);
  const derivation = [`api_url is ${contact.url} (${origin})`, ...contact.steps];
  const { failure, health, url } = contact;
  if (failure !== null) {
    return broken(`${url} is not reached: ${failure.why}`, {
      fix: fixOf(contact, patient.fleet !== undefined),
      derivation,
    });
  }
  if (health?.healthy === false) {
    return broken(`the control plane answers, but its database is ${health.database}`, {
      fix: 'the log of the control plane says why; see postgres.log in its state_dir, or the server of DATABASE_URL',
      derivation,
    });
  }
  const latency = contact.clock === null ? '' : ` in ${(2 * contact.clock.uncertaintyMs).toFixed(1)} ms`;
  return fine(`${url} answers${latency}`, derivation);
}

function fixOf({ url, failure }: ControlContact, isFleet: boolean): string {
  const { hostname, port } = new URL(url);
  switch (failure?.step) {
    case 'name':
      return `correct api_url (KTRDR_API_URL), or add ${hostname} to /etc/hosts`;
    case 'connection':
      if (isFleet) return 'start it: ktrdr-agent dev up';
      return isLoopbackAddress(hostname)
        ? 'start it: ktrdr-agent run --role control (or a whole fleet: ktrdr-agent dev up), or correct api_url (KTRDR_API_URL)'
        : `on ${hostname}: ktrdr-agent run --role control, with api_host open to this machine; or open port ${port} in the firewall; or correct api_url (KTRDR_API_URL)`;
    case 'silence':
      return 'look at its log and its load, then restart it: work and results are safe meanwhile';
    default:
      return 'correct api_url (KTRDR_API_URL), or look at the proxy in between and at the log of the control plane';
  }
}
