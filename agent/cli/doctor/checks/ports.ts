import { broken, fine, skipped, type Finding } from '#agent/contract/doctor';
import type { Holder, Listener } from '#agent/cli/doctor/listeners';
import { gravest, together, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

const PORT_MAX = 65_535;

/** Whether each service has its port, or could have it; and who has it instead. */
export const portsCheck: LocalCheck = {
  name: 'ports',
  topic: 'node',
  about: 'whether each service has its port, and who has it instead',
  run: checkPorts,
};

async function checkPorts(patient: Patient): Promise<Finding> {
  const listeners = await patient.listeners();
  if (listeners === null) return skipped('this system does not list its sockets');
  const services = (await patient.services()).filter(({ port }) => port > 0);
  const findings = services.map((service) => judge(service, listeners, patient.uid));
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  return together(findings, () => {
    const ports = services.map(({ port }) => port);
    return `${ports.join(', ')}: each is free or held by our own service`;
  });
}

function judge(service: Service, listeners: readonly Listener[], uid: number): Finding {
  const { name, port, portSetting, isRunning, listener, holder } = service;
  if (listener === undefined) {
    return fine(`${port} is free for ${name}`, [`nobody listens on ${port} (/proc/net/tcp)`]);
  }
  const who = describeHolder(holder, listener.uid, uid);
  const derivation = [
    `${portSetting} is ${port}; who listens there has user ${listener.uid} (/proc/net/tcp)`,
  ];
  if (isRunning) return fine(`${port} is held by ${name} itself, ${who}`, derivation);
  const free = nextFree(port, listeners);
  const variable = portSetting === 'api_port' ? 'API_PORT' : 'WORKER_PORT';
  const stop = holder === undefined ? 'stop that program' : `stop it (kill ${holder.pid})`;
  return broken(`port ${port} of ${name} is taken by ${who}`, {
    fix: `${stop}, or set ${portSetting} to a free port: ${variable}=${free}`,
    derivation,
  });
}

function describeHolder(holder: Holder | undefined, owner: number, uid: number): string {
  if (holder === undefined) {
    return `a process of user ${owner}${uid === 0 ? '' : ' (as root, doctor names it)'}`;
  }
  const executable = holder.executable === null ? '' : `, ${holder.executable}`;
  return `${holder.name} (pid ${holder.pid}${executable})`;
}

function nextFree(port: number, listeners: readonly Listener[]): number {
  const taken = new Set(listeners.map((listener) => listener.port));
  let free = port + 1;
  while (taken.has(free) && free < PORT_MAX) free++;
  return free;
}
