import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { plural } from '#agent/cli/figures';
import { runningShims } from '#agent/cli/local-state';
import { gravest, together, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** Whether the agent runs, and hears the control plane. */
export const agentCheck: LocalCheck = {
  name: 'agent',
  topic: 'node',
  about: 'whether the agent runs and hears the control plane',
  run: checkAgent,
};

async function checkAgent(patient: Patient): Promise<Finding> {
  const agents = (await patient.services()).filter(({ role }) => role === 'worker');
  if (agents.length === 0) return skipped('no agent on this machine');
  const { url, health } = await patient.control();
  // What this command reaches itself; null when it does not.
  const reached = health === null ? null : url;
  const findings = agents.map((service) => judge(service, reached));
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  return together(findings, (count) => `${count} agents answer and hear the control plane`);
}

function judge(service: Service, reached: string | null): Finding {
  const { name, host, port, answer } = service;
  if (answer.kind !== 'agent') return notRunning(service);
  const { health } = answer;
  const { control_plane: control, active_operations_count: active } = health;
  const at = `${host}:${port}`;
  const derivation = [
    `${at} is node ${health.worker_id}, version ${health.version}, holds ${plural(active, 'operation')}`,
  ];
  if (control.reachable) return fine(`${at} ${health.worker_status}, hears ${control.url}`, derivation);
  const summary = `${name} at ${at} does not hear the control plane: ${control.reason ?? 'no reason'}`;
  if (control.url === reached) {
    return warning(`${summary}; it does answer now`, {
      fix: 'wait a few seconds, the agent tries again; if this stays, its log says why',
      derivation,
    });
  }
  return broken(summary, {
    fix: `see the check control-plane; this agent asks ${control.url} (its api_url)`,
    derivation,
  });
}

function notRunning({ name, host, port, directories, listener, startCommand }: Service): Finding {
  const at = `${host}:${port}`;
  const shims = directories === null ? 0 : runningShims(directories.runtimeDir).length;
  const left = shims === 0 ? '' : `; ${plural(shims, 'job process', 'job processes')} of it go on`;
  const fix = shims === 0 ? startCommand : `${startCommand}, which takes them over`;
  const derivation = [
    listener === undefined ? `nobody listens at ${at}` : `who listens at ${at} is no agent`,
  ];
  return warning(`${name} does not answer at ${at}${left}`, { fix, derivation });
}
