import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** A command as data: what help, completion and the reference are made from. */
export interface CommandDescription {
  /** "ktrdr-agent data import" */
  command: string;
  summary: string;
  arguments: Array<{ name: string; required: boolean; variadic: boolean; description: string }>;
  options: Array<{ flags: string; description: string; choices: readonly string[] | null }>;
  commands: CommandDescription[];
}

export function describeCommand(command: CommandUnknownOpts): CommandDescription {
  return {
    command: pathOf(command).join(' '),
    summary: command.summary() || command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      required: argument.required,
      variadic: argument.variadic,
      description: argument.description,
    })),
    options: command.options
      .filter(({ hidden }) => !hidden)
      .map(({ flags, description, argChoices }) => ({ flags, description, choices: argChoices ?? null })),
    commands: visibleCommands(command).map(describeCommand),
  };
}

/** Itself and all below it, depth first, hidden ones left out. */
export function walkCommands(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return [command, ...visibleCommands(command).flatMap(walkCommands)];
}

/** From the name of the program on. */
export function pathOf(command: CommandUnknownOpts): string[] {
  return command.parent === null ? [command.name()] : [...pathOf(command.parent), command.name()];
}

/** The help page as it is printed. */
export function helpOf(command: CommandUnknownOpts): string {
  const before = command.configureOutput();
  let text = '';
  command.configureOutput({ ...before, writeOut: (part) => void (text += part) });
  command.outputHelp();
  command.configureOutput(before);
  return text;
}

/** The lines of its help that are there to be copied. */
export function examplesOf(command: CommandUnknownOpts): string[] {
  const lines = helpOf(command).split('\n');
  return lines.filter((line) => line.startsWith('  ktrdr-agent ')).map((line) => line.trim());
}

function visibleCommands(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return [...command.createHelp().visibleCommands(command)];
}
