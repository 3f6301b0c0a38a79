import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { showEquity } from '#agent/cli/equity-view';
import { showOperation } from '#agent/cli/operation-view';
import { readOutcome } from '#agent/cli/outcome';
import { OPERATION_ARGUMENT, operationIdOf } from '#agent/cli/operation-id';
import { openSession } from '#agent/cli/session';
import { wholeNumber } from '#agent/cli/usage';

/** More than a backtest keeps. */
const POINTS_MAX = 50_000;

export const showCommand: CliCommand = {
  name: 'show',
  create: (shell) =>
    clientCommand('show')
      .summary('One operation with all about it')
      .description('One operation: attempts, results, why it waits, and the hashes of what made it')
      .argument('<id>', OPERATION_ARGUMENT)
      .option('--top <n>', 'units of a sweep to show', wholeNumber('--top', 1, 1000), 10)
      .action(async (given, { top, ...flags }) => {
        const session = openSession(shell, flags);
        const operation_id = await operationIdOf(session, given);
        const { data } = await session.client.call('getOperation', {
          params: { operation_id },
          signal: shell.signal,
        });
        const { metrics, ranking, search } = await readOutcome(session, data, top);
        session.output.document({ ...data, metrics, ranking, search });
        showOperation(session.output, { operation: data, metrics, ranking, search }, shell.clock.nowMs());
        if (metrics === null || data.operation_type !== 'backtesting' || session.output.json) return;
        const { data: equity } = await session.client.call('listEquity', {
          params: { operation_id },
          query: { limit: POINTS_MAX },
          signal: shell.signal,
        });
        showEquity(session.output, equity, shell);
      })
      .addHelpText(
        'after',
        examples(
          ['show op_sweep_20260131_235959_1a2b3c4d', 'also while it runs'],
          ['show op_backtesting_20260131_235959_1a2b3c4d --json', 'with metrics and provenance, for scripts'],
        ),
      ),
};
