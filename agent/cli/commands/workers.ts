import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import { showWorkers } from '#agent/cli/worker-table';

export const workersCommand: CliCommand = {
  name: 'workers',
  create: (shell) =>
    clientCommand('workers')
      .summary('Every agent and its state')
      .description('Every agent that registered and was not forgotten, with its state and the reason for it')
      .action(async (flags) => {
        const { client, output } = openSession(shell, flags);
        const { data: workers } = await client.call('listWorkers', { signal: shell.signal });
        output.document(workers);
        if (workers.length > 0) showWorkers(output, workers, shell.clock.nowMs());
        else
          output.line('No agent has registered. Start one: ktrdr-agent run, or a fleet: ktrdr-agent dev up');
      })
      .addHelpText(
        'after',
        examples(
          ['workers', 'who is there, and what each does'],
          ['workers --json', 'with all facts and their derivation'],
        ),
      ),
};
