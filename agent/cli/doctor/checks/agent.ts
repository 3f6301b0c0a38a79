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
  const findings = agents.map(judge);
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  return together(findings, (count) => `${count} agents answer and hear the control plane`);
}

function judge({ name, host, port, directories, answer, listener }: Service): Finding {
  const at = `${host}:${port}`;
  if (answer.kind !== 'agent') {
    const shims = directories === null ? 0 : runningShims(directories.runtimeDir).length;
    const left = shims === 0 ? '' : `; ${plural(shims, 'job process', 'job processes')} of it go on`;
    return warning(`no ${name} answers at ${at}${left}`, {
      fix: `ktrdr-agent run --role worker${shims === 0 ? '' : ', which takes them over'}`,
      derivation: [listener === undefined ? `nobody listens at ${at}` : `who listens at ${at} is no agent`],
    });
  }
  const { health } = answer;
  const { control_plane: control, active_operations_count: active } = health;
  const derivation = [
    `${at} is node ${health.worker_id}, version ${health.version}, holds ${plural(active, 'operation')}`,
  ];
  if (!control.reachable) {
    return broken(`the ${name} at ${at} does not hear the control plane: ${control.reason ?? 'no reason'}`, {
      fix: `see the check control-plane; this agent asks ${control.url} (its api_url)`,
      derivation,
    });
  }
  return fine(`${at} ${health.worker_status}, hears ${control.url}`, derivation);
}
