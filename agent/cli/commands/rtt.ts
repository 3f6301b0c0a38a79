import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { chosenMember } from '#agent/cli/gossip/chosen-member';
import { openSession } from '#agent/cli/session';
import { printable } from '#agent/cli/text';

export const rttCommand: CliCommand = {
  name: 'rtt',
  create: (shell) =>
    clientCommand('rtt')
      .summary('Estimated round trip between two machines')
      .description(
        'Estimated round trip between two members, from the coordinates that gossip learns by its probes; exit 1 before it is known.',
      )
      .argument('<member>', 'name, beginning of one, or label of its agent')
      .argument('[other]', 'the same; default: the control plane')
      .action(async (member, other, flags) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        const from = await chosenMember(session, member);
        const to = other === undefined ? undefined : await chosenMember(session, other);
        const { data } = await client.call('getRoundTrip', { query: { from, to }, signal: shell.signal });
        output.document(data);
        const pair = `${printable(data.from)} to ${printable(data.to)}`;
        if (data.round_trip_ms !== null) return output.line(`${pair}: ${data.round_trip_ms.toFixed(2)} ms`);
        output.line(`${pair}: not known yet; it takes a probe of each`);
        shell.setExitCode(1);
      })
      .addHelpText(
        'after',
        examples(
          ['rtt lxc-101', 'to the control plane'],
          ['rtt lxc-101 control --json', 'the same, for scripts'],
        ),
      ),
};
