import { Fault } from '#agent/kit/error';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
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

/** Home, each line cleared to its end, then everything below: no flicker. With --json one document a line. */
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
    else {
      const lines: string[] = [];
      const screen = { ...output, line: (text = '') => void lines.push(text) };
      showStatus(screen, reading, shell.clock.nowMs());
      const rows = lines.map((line) => `${line}\u001b[K`).join('\n');
      shell.stdout.write(`\u001b[H${rows}\n\u001b[J`);
    }
    await shell.clock.sleep(everyMs, shell.signal);
  }
  shell.signal.throwIfAborted();
}
