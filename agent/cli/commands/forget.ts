import { chosenWorker } from '#agent/cli/chosen-worker';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import { printable } from '#agent/cli/text';
import { workerIdSchema } from '#agent/contract/worker';

export const forgetCommand: CliCommand = {
  name: 'forget',
  create: (shell) =>
    clientCommand('forget')
      .summary('Leave out an agent that is gone for good')
      .description(
        'Leave out an agent that is gone for good. It must have stopped, hold no work and not have been heard of for one lease; what it did keeps its name. Should it start again, it is back.',
      )
      .argument('<agent>', 'name, label, id or the beginning of one')
      .action(async (agent, flags) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        // A whole id needs no search, in which one that is forgotten already would not be found.
        const isId = workerIdSchema.safeParse(agent).success;
        const worker_id = isId ? agent : (await chosenWorker(session, agent)).worker_id;
        const { data } = await client.call('forgetWorker', { params: { worker_id }, signal: shell.signal });
        output.document(data);
        output.line(`${printable(data.name)} is forgotten.`);
      })
      .addHelpText('after', examples(['forget lxc-102', 'its machine was taken away'])),
};
