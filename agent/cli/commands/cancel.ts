import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import { paintState } from '#agent/cli/style';

export const cancelCommand: CliCommand = {
  name: 'cancel',
  create: (shell) =>
    clientCommand('cancel')
      .summary('Cancel operations')
      .description('Cancel operations: waiting ones at once, running ones with all their processes')
      .argument('<id...>', 'ids of operations')
      .option('-f, --force', 'do not wait for the agent; its late results are refused')
      .option('--reason <text>', 'why, for the record')
      .action(async (ids, { force, reason, ...flags }) => {
        const { client, output } = openSession(shell, flags);
        const cancelled = [];
        for (const operation_id of ids) {
          const query = { force: force ?? false, reason };
          const call = { params: { operation_id }, query, signal: shell.signal };
          const { data } = await client.call('cancelOperation', call);
          cancelled.push(data);
          const isPending = data.completed_at === null;
          output.line(
            `${data.operation_id} ${isPending ? 'is being cancelled' : paintState(output.style, data.status)}`,
          );
        }
        output.document(cancelled);
      })
      .addHelpText(
        'after',
        examples(
          ['cancel op_sweep_20260131_235959_1a2b3c4d', 'stop it and keep the units it has'],
          ['cancel --force --reason "node is on fire" op_…', 'without waiting for the node'],
        ),
      ),
};
