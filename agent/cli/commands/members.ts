import { Option } from '@commander-js/extra-typings';
import { gossipEvidenceSchema } from '#agent/contract/worker';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { showMembers } from '#agent/cli/gossip/member-table';
import { readMembers } from '#agent/cli/gossip/read-members';
import { collectTag } from '#agent/cli/gossip/tag-option';
import { openSession } from '#agent/cli/session';

export const membersCommand: CliCommand = {
  name: 'members',
  create: (shell) =>
    clientCommand('members')
      .summary('The fleet as gossip sees it')
      .description(
        'Members of the fleet as gossip sees them. While the control plane is away an agent of this machine says it; exit 1 then.',
      )
      .option(
        '-t, --tag <name=expression>',
        'only where the tag holds it, such as gpu=h200; repeatable',
        collectTag,
      )
      .addOption(
        new Option('--status <status>', 'only of this status').choices(
          gossipEvidenceSchema.shape.status.options,
        ),
      )
      .action(async ({ tag, status, ...flags }) => {
        const session = openSession(shell, flags);
        const { output } = session;
        const { members, instead } = await readMembers(session, { tag, status });
        if (instead !== undefined) {
          output.note(`warning: ${instead.fault.message}`);
          output.note(`This is what the agent at ${instead.url} hears.`);
          shell.setExitCode(1);
        }
        output.document(members);
        if (members.length > 0) return showMembers(output, members);
        const isAll = tag === undefined && status === undefined;
        output.line(isAll ? 'Gossip hears nobody: ktrdr-agent doctor gossip says why' : 'No such member.');
      })
      .addHelpText(
        'after',
        examples(
          ['members', 'who is there, since when, and by which way'],
          ['members --tag role=worker --status alive', 'agents that are there'],
          ['members --tag gpu=h200 --json', 'for scripts'],
        ),
      ),
};
