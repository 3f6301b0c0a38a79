import type { Operation } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { OPERATION_ARGUMENT, operationIdOf } from '#agent/cli/operation-id';
import { openSession } from '#agent/cli/session';
import { paintState } from '#agent/cli/style';

export const cancelCommand: CliCommand = {
  name: 'cancel',
  create: (shell) =>
    clientCommand('cancel')
      .summary('Cancel operations')
      .description('Cancel operations: waiting ones at once, running ones with all their processes')
      .argument('<id...>', OPERATION_ARGUMENT)
      .option('-f, --force', 'do not wait for the agent; its late results are refused')
      .option('--reason <text>', 'why, for the record')
      .action(async (ids, { force, reason, ...flags }) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        const cancelled: Operation[] = [];
        const faults: Fault[] = [];
        for (const given of ids) {
          const query = { force: force ?? false, reason };
          try {
            const operation_id = await operationIdOf(session, given);
            const call = { params: { operation_id }, query, signal: shell.signal };
            cancelled.push((await client.call('cancelOperation', call)).data);
          } catch (error) {
            // The others are cancelled all the same.
            if (!(error instanceof Fault)) throw error;
            faults.push(error);
          }
        }
        output.document(cancelled);
        for (const { operation_id, completed_at, status } of cancelled) {
          const state = completed_at === null ? 'is being cancelled' : paintState(output.style, status);
          output.line(`${operation_id} ${state}`);
        }
        const [first, ...others] = faults;
        for (const fault of others) output.note(fault.message);
        if (first !== undefined) throw first;
      })
      .addHelpText(
        'after',
        examples(
          ['cancel op_sweep_20260131_235959_1a2b3c4d', 'stop it and keep the units it has'],
          [
            'cancel --force --reason "node is on fire" op_sweep_20260131_235959_1a2b3c4d',
            'without waiting for the node',
          ],
        ),
      ),
};
