import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { present } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { describeCommand } from '#agent/cli/command-tree';
import { HELP_TOPICS } from '#agent/cli/help-topics';
import { createOutput } from '#agent/cli/output';

export const helpCommand: CliCommand = {
  name: 'help',
  create: (shell) => {
    const command = plainCommand('help')
      .summary('Explain a command or a topic')
      .description('Explain a command or a topic; without one, list them')
      .argument('[words...]', `a command such as data import, or a topic: ${topicNames().join(', ')}`)
      .addHelpText(
        'after',
        examples(
          ['help data import', 'the same as data import --help'],
          ['help exit-codes', 'what the exit code of a command says'],
          ['help --json', 'every command and option, for programs'],
        ),
      );
    return command.action((words, { json }) => {
      const output = createOutput(shell, json ?? false);
      const topic = HELP_TOPICS.find(({ name }) => words.length === 1 && name === words[0]);
      if (topic !== undefined) {
        output.document(topic);
        return output.line(topic.text.trimEnd());
      }
      const program: CommandUnknownOpts = present(command.parent, 'the program');
      const found = commandAt(program, words);
      output.document(describeCommand(found));
      if (!output.json) found.outputHelp();
    });
  },
};

function topicNames(): string[] {
  return HELP_TOPICS.map(({ name }) => name);
}

function commandAt(program: CommandUnknownOpts, words: readonly string[]): CommandUnknownOpts {
  let found = program;
  for (const word of words) {
    const next = found.commands.find((command) => command.name() === word);
    if (next === undefined) throw unknown(found, words.join(' '), word);
    found = next;
  }
  return found;
}

function unknown(parent: CommandUnknownOpts, asked: string, word: string): Fault {
  const names = [
    ...parent.commands.map((command) => command.name()),
    ...(parent.parent === null ? topicNames() : []),
  ];
  const suggestion = nearest(word, names);
  return new Fault('bad_request', `Cannot explain ${asked}: there is no such command or topic`, {
    hint: suggestion === undefined ? 'ktrdr-agent help lists them' : `did you mean ${suggestion}?`,
  });
}
