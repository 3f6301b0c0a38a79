import { Fault } from '#agent/kit/error';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { createOutput, type Printer } from '#agent/cli/output';
import { openSession, type Session } from '#agent/cli/session';
import { readStatus, showStatus, type StatusReading } from '#agent/cli/status-view';
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
        if (watch) return await watchStatus(session, every * 1000);
        const reading = await readStatus(session);
        session.output.document(reading.document);
        showStatus(session.output, reading, shell.clock.nowMs());
        shell.setExitCode(EXIT_CODES[reading.document.state]);
      })
      .addHelpText(
        'after',
        examples(
          ['status', 'also when the control plane is down: says why, and what goes on without it'],
          ['status --watch', 'until Ctrl-C'],
          ['status --json', 'for scripts and monitoring'],
        ),
      ),
};

const EXIT_CODES: Readonly<Record<StatusReading['document']['state'], number>> = {
  ok: 0,
  degraded: 1,
  down: 2,
};

/** With --json one document a line. */
async function watchStatus(session: Session, everyMs: number): Promise<void> {
  const { shell, output } = session;
  if (!output.json && !shell.stdout.isTty) {
    throw new Fault('bad_request', 'Cannot watch the status: stdout is not a terminal', {
      hint: 'ktrdr-agent status, or ktrdr-agent status --watch --json for one document a line',
    });
  }
  if (!output.json) shell.stdout.write('\u001b[2J');
  while (!shell.signal.aborted) {
    const reading = await readStatus(session);
    shell.setExitCode(EXIT_CODES[reading.document.state]);
    if (output.json) shell.stdout.write(`${JSON.stringify(reading.document)}\n`);
    else shell.stdout.write(screenOf(shell, reading));
    await shell.clock.sleep(everyMs, shell.signal);
  }
  shell.signal.throwIfAborted();
}

/** Home, each line cleared to its end, then everything below: no flicker. */
export function screenOf(shell: Printer, reading: StatusReading): string {
  let text = '';
  const { isTty, columns } = shell.stdout;
  const stdout = { isTty, columns, write: (part: string) => void (text += part) };
  const { stderr, environment, clock } = shell;
  showStatus(createOutput({ stdout, stderr, environment, clock }, false), reading, clock.nowMs());
  return `\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`;
}
