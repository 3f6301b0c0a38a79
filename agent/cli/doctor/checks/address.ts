import { hostname } from 'node:os';
import { fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { isLoopbackAddress } from '#agent/kit/ip-address';
import { ownEndpoint } from '#agent/daemon/own-endpoint';
import { findEndpoint, type Endpoint } from '#agent/worker/endpoint-address';
import { gravest, together, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** What others are told as the address of the agent, and by which rule. */
export const addressCheck: LocalCheck = {
  name: 'address',
  topic: 'node',
  about: 'what others are told as the address of the agent, and by which rule',
  run: checkAddress,
};

async function checkAddress(patient: Patient): Promise<Finding> {
  const agents = (await patient.services()).filter(({ role }) => role === 'worker');
  if (agents.length === 0) return skipped('no agent on this machine');
  const findings = await Promise.all(agents.map((agent) => judge(agent, patient)));
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  return together(findings, (count) => `${count} agents on this machine, each with an address of its own`);
}

async function judge({ port, settings }: Service, patient: Patient): Promise<Finding> {
  const { url, rule, derivation } = await findEndpoint(
    ownEndpoint(settings, {
      hostname: hostname(),
      workerPort: port,
      capabilities: await patient.capabilities(),
    }),
  );
  const summary = `others are told ${url} (${RULES[rule]})`;
  const trouble = { fix: FIX, derivation };
  const isControlElsewhere = !isLoopbackAddress(new URL(settings.values.api_url).hostname);
  if (isControlElsewhere && isLoopbackAddress(new URL(url).hostname)) {
    return warning(`others are told ${url}, which only this machine can reach`, trouble);
  }
  if (rule === 'host name' && isControlElsewhere) return warning(summary, trouble);
  return fine(summary, derivation);
}

const RULES: Readonly<Record<Endpoint['rule'], string>> = {
  setting: 'as the settings say',
  'bind address': 'what the agent listens on',
  route: 'its way to the control plane',
  'host name': 'the host name',
};

const FIX =
  'set worker_host (WORKER_IP) to an address of this machine, or worker_endpoint_url (WORKER_ENDPOINT_URL); work goes on without it, since agents pull';
