import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { helpOf, pathOf, walkCommands } from './command-tree';
import { COMMAND_GROUPS } from './help-layout';
import { HELP_TOPICS } from './help-topics';

/** docs/cli.md: the help of every command, from the tree of commands. */
export function referencePage(program: CommandUnknownOpts): string {
  const commands = walkCommands(program).slice(1);
  return `# The command line

Made from the program by \`UPDATE_GOLDEN=1 bun test agent/cli/help.test.ts\`; every example is run by a test.

${contents(commands)}

${HELP_TOPICS.map(({ name, summary, text }) => block(`help ${name}`, `${summary}.`, text)).join('\n\n')}

${commands.map((command) => block(nameOf(command), undefined, helpOf(command))).join('\n\n')}
`;
}

function contents(commands: readonly CommandUnknownOpts[]): string {
  return Object.entries(COMMAND_GROUPS)
    .map(([heading, names]) => {
      const listed = names.flatMap((name) => commands.filter((command) => pathOf(command)[1] === name));
      const links = listed.map((command) => `[${nameOf(command)}](#${anchor(nameOf(command))})`);
      return `**${heading}** ${links.join(', ')}`;
    })
    .join('\\\n');
}

function block(heading: string, remark: string | undefined, text: string): string {
  const lines = [
    `## ${heading}`,
    ...(remark === undefined ? [] : [remark]),
    `\`\`\`text\n${text.trimEnd()}\n\`\`\``,
  ];
  return lines.join('\n\n');
}

function nameOf(command: CommandUnknownOpts): string {
  return pathOf(command).slice(1).join(' ');
}

function anchor(heading: string): string {
  return heading.replaceAll(' ', '-');
}
