import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { COMMANDS } from './commands/registry';
import { examplesOf, pathOf } from './command-tree';
import { completeCommand } from './completion/complete-command';
import { commandGroup, helpLayout } from './help-layout';
import { printError } from './output';
import { ReaderGone, signalExitCode, systemShell, type Shell } from './shell';
import { usageFault } from './usage';

/** Runs the command of these arguments (without program and script) and returns the exit code of the process. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const shell = systemShell();
  const program = createProgram(shell);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    return exitCodeOf(error, program, { shell, argv });
  }
}

/** The whole tree of commands; the test of the help pages walks it. */
export function createProgram(shell: Shell): CommandUnknownOpts {
  const program = new Command('ktrdr-agent')
    .description('One binary that turns a rack of machines into a trading-research fleet.')
    .usage('<command> [options]')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .configureHelp(helpLayout(shell.stdout.columns))
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      // Errors are printed in our form, by exitCodeOf.
      outputError: () => undefined,
    });
  for (const command of COMMANDS) add(program, command.create(shell).helpGroup(commandGroup(command.name)));
  program.addCommand(completeCommand(shell), { hidden: true });
  return program.addHelpText('after', START);
}

const START = `
Start here:
  # a whole fleet on this machine
  ktrdr-agent dev up
  # bars in
  ktrdr-agent data import SPX_1d.csv
  # every agent at work, a ranked table at the end
  ktrdr-agent sweep sma_cross SPX 1d
  # the fleet on one screen
  ktrdr-agent status

\`ktrdr-agent <command> --help\` explains a command. What concerns all of them:
\`ktrdr-agent help exit-codes\` and \`ktrdr-agent help output\`.
`;

function add(parent: CommandUnknownOpts, command: CommandUnknownOpts): void {
  parent.addCommand(command);
  inherit(parent, command);
}

function inherit(parent: CommandUnknownOpts, command: CommandUnknownOpts): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(command, child);
}

function exitCodeOf(error: unknown, program: CommandUnknownOpts, { shell, argv }: Invocation): number {
  const json = argv.includes('--json');
  if (error instanceof ReaderGone) return 0;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Without a command the help itself was the answer, on stderr.
    if (error.code === 'commander.help') return 2;
    const command = commandOf(program, argv);
    const name = pathOf(command).slice(1).join(' ');
    return printError(shell, usageFault(error, name, examplesOf(command)[0]), json);
  }
  if (shell.signal.aborted) return signalExitCode(shell.signal.reason);
  return printError(shell, error, json);
}

interface Invocation {
  shell: Shell;
  argv: readonly string[];
}

/** "data import" of `data import --sybmol X`: the words that are commands. */
function commandOf(program: CommandUnknownOpts, argv: readonly string[]): CommandUnknownOpts {
  let found = program;
  for (const word of argv) {
    const next = found.commands.find((command) => command.name() === word);
    if (next === undefined) break;
    found = next;
  }
  return found;
}
