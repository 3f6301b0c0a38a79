import type { GossipAnswers } from '#agent/contract/gossip';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { duration } from '#agent/cli/ages';
import { plural } from '#agent/cli/figures';
import { chosenMember } from '#agent/cli/gossip/chosen-member';
import { collectTag, tagsOf } from '#agent/cli/gossip/tag-option';
import type { Output } from '#agent/cli/output';
import { openSession } from '#agent/cli/session';
import { printable } from '#agent/cli/text';
import { wholeNumber } from '#agent/cli/usage';

const MARGIN_MS = 10_000;

export const queryCommand: CliCommand = {
  name: 'query',
  create: (shell) =>
    clientCommand('query')
      .summary('Ask the whole fleet something')
      .description(
        'Ask the whole fleet, or some of it. Agents answer version, uptime and capabilities; exit 1 when somebody did not acknowledge.',
      )
      .argument('<name>', 'such as version')
      .argument('[payload]', 'up to 1,024 bytes with name and filters', '')
      .option('--node <member>', 'only this one; repeatable', collect)
      .option('-t, --tag <name=expression>', 'only where the tag holds it; repeatable', collectTag)
      .option(
        '--timeout <s>',
        'wait so long at most; default: as the size of the fleet wants it',
        wholeNumber('--timeout', 1, 60),
      )
      .option(
        '--relay-factor <n>',
        'copies of each answer by way of others',
        wholeNumber('--relay-factor', 0, 5),
        0,
      )
      .action(async (name, payload, { node = [], tag, timeout, relayFactor, ...flags }) => {
        const session = openSession(shell, flags);
        const { client, output } = session;
        const nodes = await Promise.all(node.map((text) => chosenMember(session, text)));
        const timing = timeout === undefined ? {} : { timeout_ms: timeout * 1000 };
        const body = { name, payload, nodes, tags: tagsOf(tag), relay_factor: relayFactor, ...timing };
        const timeoutMs = (timeout ?? 60) * 1000 + MARGIN_MS;
        const { data } = await client.call('askMembers', { body, signal: shell.signal, timeoutMs });
        output.document(data);
        showAnswers(output, data);
        if (data.members === 0 || data.missing.length > 0) shell.setExitCode(1);
      })
      .addHelpText(
        'after',
        examples(
          ['query version', 'what runs where'],
          ['query capabilities --tag role=worker', 'what the agents can do'],
          ['query uptime --node lxc-101 --timeout 2', 'one of them'],
        ),
      ),
};

function showAnswers(output: Output, { responses, acks, members, missing, took_ms }: GossipAnswers): void {
  if (members === 0)
    return output.line('Nobody was asked: no member that is there is meant by these filters.');
  if (responses.length > 0) {
    output.table(responses, [
      { header: 'FROM', cell: ({ from }) => from, widthMin: 14, overflow: 'middle' },
      { header: 'ANSWER', cell: ({ payload }) => printable(payload), widthMin: 24, overflow: 'wrap' },
    ]);
    output.line();
  }
  const answers = plural(responses.length, 'answer');
  output.line(`Acknowledged by ${acks.length} of ${members}, ${answers} in ${duration(took_ms)}.`);
  if (missing.length > 0) output.line(`Not by ${missing.map(printable).join(', ')}.`);
}

function collect(text: string, previous: string[] = []): string[] {
  return [...previous, text];
}
