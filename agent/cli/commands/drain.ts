import { hostname, userInfo } from 'node:os';
import { chosenWorker } from '#agent/cli/chosen-worker';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { waitUntilDrained } from '#agent/cli/drain-wait';
import { plural } from '#agent/cli/figures';
import { openSession, type Session } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';
import { printable } from '#agent/cli/text';
import { nameOf } from '#agent/cli/worker-table';
import { REASON_CHARS_MAX } from '#agent/contract/drain-endpoints';
import type { Worker } from '#agent/contract/worker';
import { Fault } from '#agent/kit/error';

export const drainCommand: CliCommand = {
  name: 'drain',
  create: (shell) =>
    clientCommand('drain')
      .summary('Give an agent no new work')
      .description(
        'Give an agent no new work: it finishes what it has. The drain survives restarts, until `undrain`.',
      )
      .argument('[agent]', 'name, label, id or the beginning of one; default: the agent of this machine')
      .requiredOption('--reason <text>', 'why, for everybody who looks at the fleet', reasonText)
      .option('-w, --wait', 'until its last operation has ended')
      .action(async (agent, { reason, wait, ...flags }) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        const { worker_id } = await chosenWorker(session, agent);
        const call = { params: { worker_id }, body: { reason, by: caller(shell) }, signal: shell.signal };
        const { data } = await client.call('drainWorker', call);
        for (const warning of data.warnings) output.note(`warning: ${warning}`);
        if (!wait) {
          output.document(data);
          return output.line(drainSentence(data));
        }
        output.note(drainSentence(data));
        const worker = await waited(session, data);
        output.document({ ...worker, warnings: data.warnings });
        output.line(`${printable(nameOf(worker))} has finished: nothing runs there, and nothing new will.`);
      })
      .addHelpText(
        'after',
        examples(
          ['drain lxc-101 --reason "new disk"', 'it finishes what it has and takes nothing more'],
          ['drain --reason upgrade --wait', 'this machine, until nothing runs on it'],
        ),
      ),
};

/** Who it was, as this machine says: for people who read the log. */
export function caller({ environment, uid }: Pick<Shell, 'environment' | 'uid'>): string {
  return `${environment.SUDO_USER || userName(uid)}@${hostname()}`.slice(0, 120);
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the system's list, as containers have.
    return `uid ${uid}`;
  }
}

function reasonText(text: string): string {
  const reason = text.trim();
  if (reason !== '' && reason.length <= REASON_CHARS_MAX) return reason;
  throw new Fault(
    'bad_request',
    `Cannot use ${reason === '' ? 'nothing' : `${reason.length} characters`} as --reason: say why in 1 to ${REASON_CHARS_MAX} characters`,
    { hint: 'such as --reason "new disk"' },
  );
}

function drainSentence(worker: Worker): string {
  const { operations, draining } = worker;
  const rest =
    operations.length === 0
      ? 'nothing runs there, and nothing new will'
      : `it finishes ${plural(operations.length, 'operation')} and takes nothing more`;
  return `${printable(nameOf(worker))} drains (${printable(draining?.reason ?? '')}): ${rest}.`;
}

async function waited(session: Session, drained: Worker): Promise<Worker> {
  try {
    return await waitUntilDrained(session, drained);
  } catch (error) {
    const { name } = drained;
    if (session.shell.signal.aborted) {
      session.output.note(`\nThe drain goes on. End it: ktrdr-agent undrain ${printable(name)}`);
    }
    throw error;
  }
}
