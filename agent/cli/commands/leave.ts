import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { chosenMember } from '#agent/cli/gossip/chosen-member';
import { openSession } from '#agent/cli/session';
import { printable } from '#agent/cli/text';
import { Fault } from '#agent/kit/error';

export const leaveCommand: CliCommand = {
  name: 'leave',
  create: (shell) =>
    clientCommand('leave')
      .summary('A failed machine will not come back')
      .description(
        'Say of a failed member that it will not come back: nobody looks for it any more. An agent that is stopped leaves by itself.',
      )
      .argument('[member]', 'name, beginning of one, or label of its agent')
      .option('--prune', 'forget it at once, instead of after a day')
      .action(async (member, { prune = false, ...flags }) => {
        if (member === undefined) throw nobodyNamed();
        const session = openSession(shell, flags);
        const name = await chosenMember(session, member);
        const call = { params: { name }, body: { prune }, signal: shell.signal };
        const { data } = await session.client.call('forceLeaveMember', call);
        session.output.document(data);
        const rest = prune ? 'is forgotten' : 'counts as left';
        session.output.line(`${printable(name)} ${rest}; it may join again whenever it starts.`);
      })
      .addHelpText(
        'after',
        examples(
          ['leave lxc-101', 'the machine is gone for good'],
          ['leave lxc-101 --prune', 'and nobody wants to see it'],
        ),
      ),
};

function nobodyNamed(): Fault {
  return new Fault('bad_request', 'Cannot leave: no member is named', {
    hint: 'an agent leaves by itself when it is stopped (systemctl stop ktrdr-agent, or SIGTERM); name a failed member that will not come back: ktrdr-agent members --status failed',
  });
}
