import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import { readStatus, showStatus, type StatusReading } from '#agent/cli/status-view';
import { watchStatus } from '#agent/cli/status-watch';
import { wholeNumber } from '#agent/cli/usage';

export const statusCommand: CliCommand = {
  name: 'status',
  create: (shell) =>
    clientCommand('status')
      .summary('The fleet on one screen')
      .description(
        'The fleet on one screen, with the reason beside each state; exit 0 ok, 1 degraded, 2 down',
      )
      .option('-w, --watch', 'keep the screen up to date')
      .option('--every <s>', 'seconds between two looks of --watch', wholeNumber('--every', 1, 3600), 2)
      .action(async ({ watch, every, ...flags }) => {
        const session = openSession(shell, flags);
        if (watch) {
          const last = await watchStatus(session, every * 1000);
          if (last !== undefined) shell.setExitCode(EXIT_CODES[last.document.state]);
          return shell.signal.throwIfAborted();
        }
        const reading = await readStatus(session);
        session.output.document(reading.document);
        showStatus(session.output, reading, shell.clock.nowMs());
        shell.setExitCode(EXIT_CODES[reading.document.state]);
      })
      .addHelpText(
        'after',
        examples(
          ['status', 'also when the control plane is down: says why, and what goes on without it'],
          ['status --watch', 'kept up to date, until q or Ctrl-C'],
          ['status --json', 'for scripts and monitoring'],
        ),
      ),
};

const EXIT_CODES: Readonly<Record<StatusReading['document']['state'], number>> = {
  ok: 0,
  degraded: 1,
  down: 2,
};
