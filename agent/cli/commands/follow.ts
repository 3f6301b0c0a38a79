import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { followToEnd } from '#agent/cli/follow';
import { readOutcome, showOutcome } from '#agent/cli/outcome';
import { OPERATION_ARGUMENT, operationIdOf } from '#agent/cli/operation-id';
import { openSession } from '#agent/cli/session';
import { wholeNumber } from '#agent/cli/usage';

export const followCommand: CliCommand = {
  name: 'follow',
  create: (shell) =>
    clientCommand('follow')
      .summary('Watch an operation to its end')
      .description(
        'Watch an operation to its end, also across a restart of the control plane; exit 0 when it completes, 1 otherwise',
      )
      .argument('<id>', OPERATION_ARGUMENT)
      .option('--top <n>', 'units of a sweep to show', wholeNumber('--top', 1, 1000), 10)
      .action(async (given, { top, ...flags }) => {
        const session = openSession(shell, flags);
        const last = await followToEnd(session, await operationIdOf(session, given));
        shell.setExitCode(showOutcome(session, await readOutcome(session, last, top)));
      })
      .addHelpText(
        'after',
        examples(['follow op_sweep_20260131_235959_1a2b3c4d', 'Ctrl-C ends the watching, not the work']),
      ),
};
