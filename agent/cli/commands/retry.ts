import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { OPERATION_ARGUMENT, operationIdOf } from '#agent/cli/operation-id';
import { openSession } from '#agent/cli/session';

export const retryCommand: CliCommand = {
  name: 'retry',
  create: (shell) =>
    clientCommand('retry')
      .summary('Run a failed or cancelled operation again')
      .description('Run a failed or cancelled operation again; a sweep runs only the units without a result')
      .argument('<id>', OPERATION_ARGUMENT)
      .action(async (given, flags) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        const operation_id = await operationIdOf(session, given);
        const { data } = await client.call('retryOperation', {
          params: { operation_id },
          signal: shell.signal,
        });
        output.document(data);
        output.line(
          `${data.operation_id} is ${data.status}. Watch it: ktrdr-agent follow ${data.operation_id}`,
        );
      })
      .addHelpText(
        'after',
        examples(['retry op_sweep_20260131_235959_1a2b3c4d', 'finish what was cut short']),
      ),
};
