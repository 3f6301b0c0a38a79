import { Option } from '@commander-js/extra-typings';
import { OPERATION_STATUSES } from '#agent/contract/operation';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { plural } from '#agent/cli/figures';
import { showOperations } from '#agent/cli/operation-table';
import { openSession } from '#agent/cli/session';
import { wholeNumber } from '#agent/cli/usage';

export const opsCommand: CliCommand = {
  name: 'ops',
  create: (shell) =>
    clientCommand('ops')
      .description('Operations, newest first')
      .option('-a, --active', 'only what waits or runs')
      .addOption(new Option('--status <status>', 'only of this status').choices(OPERATION_STATUSES))
      .option('--type <type>', 'only of this kind, such as backtesting or sweep')
      .option('-n, --limit <n>', 'at most so many', wholeNumber('--limit', 1, 1000), 20)
      .option('--offset <n>', 'leave the newest out', wholeNumber('--offset', 0, 10_000_000), 0)
      .action(async ({ active, status, type, limit, offset, ...flags }) => {
        const { client, output } = openSession(shell, flags);
        const query = { limit, offset, status, operation_type: type, active_only: active ?? false };
        const reply = await client.call('listOperations', { query, signal: shell.signal });
        output.document(reply.data);
        if (reply.data.length === 0)
          return output.line('No operations. Start one: ktrdr-agent backtest --help');
        showOperations(output, reply.data, shell.clock.nowMs());
        const left = reply.total_count - reply.data.length - offset;
        if (left > 0) output.line(`… and ${plural(left, 'older one')}: --offset ${offset + limit}`);
      })
      .addHelpText(
        'after',
        examples(
          ['ops --active', 'what waits and runs now'],
          ['ops --status failed --limit 5', 'the last failures'],
          ['ops --type sweep --json', 'for scripts'],
        ),
      ),
};
