import { isTerminal } from '#agent/contract/operation';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { OPERATION_ARGUMENT, operationIdOf } from '#agent/cli/operation-id';
import { openSession, type Session } from '#agent/cli/session';
import { printable } from '#agent/cli/text';

const POLL_MS = 1_000;
const PAGE_LINES = 1_000;

export const logsCommand: CliCommand = {
  name: 'logs',
  create: (shell) =>
    clientCommand('logs')
      .summary('What the processes of an operation printed')
      .description('What the processes of an operation printed; of a sweep, of all its batches')
      .argument('<id>', OPERATION_ARGUMENT)
      .option('-f, --follow', 'go on until the operation is over')
      .action(async (given, { follow, ...flags }) => {
        const session = openSession(shell, flags);
        await printLogs(session, await operationIdOf(session, given), follow ?? false);
      })
      .addHelpText(
        'after',
        examples(
          ['logs op_sweep_20260131_235959_1a2b3c4d', 'all lines so far'],
          ['logs -f op_sweep_20260131_235959_1a2b3c4d', 'and those to come'],
        ),
      ),
};

/** With --json one document a line: a log has no end while it is followed. */
async function printLogs(session: Session, operation_id: string, follow: boolean): Promise<void> {
  const { client, shell, output } = session;
  const call = { params: { operation_id }, signal: shell.signal };
  let cursor = 0;
  while (true) {
    // The state is asked first: lines that come before the end are never missed.
    const { data: operation } = await client.call('getOperation', call);
    for (let isFull = true; isFull;) {
      const { data: page } = await client.call('getLogs', {
        ...call,
        query: { after: cursor, limit: PAGE_LINES },
      });
      for (const line of page.lines) {
        const mark = line.stream === 'system' ? output.style.dim('·') : ' ';
        if (output.json) shell.stdout.write(`${JSON.stringify(line)}\n`);
        else {
          const who = `${timeOf(line.at, shell.clock.nowMs())} ${printable(line.worker_name)}`;
          output.line(printable(line.line), `${output.style.dim(who)} ${mark} `);
        }
      }
      cursor = page.cursor;
      isFull = page.lines.length === PAGE_LINES;
    }
    if (!follow || isTerminal(operation.status)) {
      if (cursor === 0) output.note('It has printed nothing.');
      return;
    }
    await shell.clock.sleep(POLL_MS, shell.signal);
    shell.signal.throwIfAborted();
  }
}

/** The time of day in UTC, with the date of what is older than a day. */
function timeOf(at: string, nowMs: number): string {
  const text = new Date(at).toISOString().replace('T', ' ').slice(0, 19);
  return nowMs - Date.parse(at) < DAY_MS ? text.slice(11) : text;
}

const DAY_MS = 86_400_000;
