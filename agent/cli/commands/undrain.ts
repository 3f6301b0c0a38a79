import { chosenWorker } from '#agent/cli/chosen-worker';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import { printable } from '#agent/cli/text';
import { nameOf } from '#agent/cli/worker-table';
import { caller } from './drain';

export const undrainCommand: CliCommand = {
  name: 'undrain',
  create: (shell) =>
    clientCommand('undrain')
      .summary('Let an agent take work again')
      .description('End the drain of an agent: it takes work again at once')
      .argument('[agent]', 'name, label, id or the beginning of one; default: the agent of this machine')
      .action(async (agent, flags) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        const { worker_id, draining } = await chosenWorker(session, agent);
        const call = { params: { worker_id }, body: { by: caller(shell) }, signal: shell.signal };
        const { data } = await client.call('undrainWorker', call);
        output.document(data);
        const { verdict } = data;
        const name = printable(nameOf(data));
        if (draining === null) return output.line(`${name} did not drain.`);
        const isThere = verdict.state === 'ready' || verdict.state === 'degraded';
        const state = `takes work again once it is back: it is ${verdict.state}, ${printable(verdict.cause)}`;
        output.line(`${name} ${isThere ? 'takes work again' : state}.`);
      })
      .addHelpText(
        'after',
        examples(['undrain lxc-101', 'it takes work again'], ['undrain', 'the agent of this machine']),
      ),
};
