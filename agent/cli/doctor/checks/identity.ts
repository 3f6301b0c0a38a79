import { access } from 'node:fs/promises';
import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import { inspectIdentity, readMachineId, type IdentityReport } from '#agent/worker/identity';
import { gravest, together, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';

/** Who this node is, whether only its agent knows the key, and whether the key was made on this machine. */
export const identityCheck: LocalCheck = {
  name: 'identity',
  topic: 'node',
  about: 'key of this node: readable only by its agent, made on this machine',
  run: checkIdentity,
};

async function checkIdentity(patient: Patient): Promise<Finding> {
  if (patient.homeless) return skipped('not known: nobody says where the directories are');
  const agents = (await patient.services()).filter(({ role }) => role === 'worker');
  if (agents.length === 0) return skipped('no agent on this machine');
  const machineId = readMachineId();
  const findings = await Promise.all(
    agents.map(async ({ directories }) => {
      if (directories === null) return skipped('only the user of the agent knows its state_dir');
      // A mount that hangs keeps this one waiting, which is bounded; the next line would block all.
      await access(directories.stateDir).catch(() => undefined);
      return judgeIdentity(inspectIdentity(directories.stateDir, machineId));
    }),
  );
  const worst = gravest(findings);
  return worst.state === 'ok'
    ? together(findings, (count) => `${count} nodes, each with a key of its own`)
    : worst;
}

export function judgeIdentity(report: IdentityReport): Finding {
  const { path } = report;
  switch (report.state) {
    case 'missing':
      return fine('made at the first start', [`there is no ${path} yet`]);
    case 'unreadable':
      return skipped(`${path} is only for the user of the agent`, [`reading it says ${report.code}`]);
    case 'damaged':
      return broken(`${path} is damaged: the agent does not start`, {
        fix: `restore it from a backup, or rm ${path}: the node then starts anew under another name`,
      });
    case 'present':
      return judgePresent(report);
  }
}

function judgePresent(report: Extract<IdentityReport, { state: 'present' }>): Finding {
  const { path, workerId, mode, bound } = report;
  const octal = mode.toString(8).padStart(4, '0');
  const derivation = [
    `node ${workerId}, the fingerprint of the public key in ${path} (mode ${octal})`,
    {
      here: 'the key was made on this machine (/etc/machine-id)',
      elsewhere: 'the key was made on another machine (/etc/machine-id)',
      unbound: 'the key is bound to no machine, since there was no /etc/machine-id',
    }[bound],
  ];
  if (bound === 'elsewhere') {
    return warning(
      'the identity was made on another machine: this is a copy, and gets a key of its own at its next start',
      {
        fix: 'restart the agent: ktrdr-agent run --role worker',
        derivation,
      },
    );
  }
  if ((mode & 0o077) !== 0) {
    return warning(`others can read the key of this node (mode ${octal})`, {
      fix: `chmod 600 ${path}`,
      derivation,
    });
  }
  return fine(`node ${workerId.slice(0, 8)}, key of mode ${octal}`, derivation);
}
