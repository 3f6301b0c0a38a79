import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { plural } from '#agent/cli/figures';
import { openSession } from '#agent/cli/session';
import { printable } from '#agent/cli/text';

export const eventCommand: CliCommand = {
  name: 'event',
  create: (shell) =>
    clientCommand('event')
      .summary('Tell the whole fleet something')
      .description('Tell the whole fleet something, once: handlers of serf agents beside it hear it, too.')
      .argument('<name>', 'such as deploy')
      .argument('[payload]', 'up to 512 bytes with the name', '')
      .option('--coalesce', 'of several at once the last one is enough')
      .action(async (name, payload, { coalesce = false, ...flags }) => {
        const { client, output } = openSession(shell, flags);
        const body = { name, payload, coalesce };
        const { data } = await client.call('fireEvent', { body, signal: shell.signal });
        output.document(data);
        output.line(`Event ${printable(name)} goes to ${plural(data.members, 'member')}.`);
      })
      .addHelpText('after', examples(['event deploy 1.4.2', 'everybody hears it within a second or two'])),
};
