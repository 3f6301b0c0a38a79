import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { COMMANDS } from './commands/registry';
import { printError } from './output';
import { ReaderGone, signalExitCode, systemShell, type Shell } from './shell';
import { usageFault } from './usage';

/** Runs the command of these arguments (without program and script) and returns the exit code of the process. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const shell = systemShell();
  try {
    await createProgram(shell).parseAsync([...argv], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    return exitCodeOf(error, shell, argv);
  }
}

/** The whole tree of commands; the test of the help pages walks it. */
export function createProgram(shell: Shell): CommandUnknownOpts {
  const program = new Command('ktrdr-agent')
    .description('One binary that turns a rack of machines into a trading-research fleet.')
    .usage('<command> [options]')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand('help [command]', 'explain a command')
    .exitOverride()
    .configureHelp({ helpWidth: Math.min(shell.stdout.columns ?? 100, 100) })
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      // Errors are printed in our form, by exitCodeOf.
      outputError: () => undefined,
    });
  for (const command of COMMANDS) add(program, command.create(shell));
  return program.addHelpText('after', START);
}

const START = `
Start here:
  ktrdr-agent dev up                        # a whole fleet on this machine
  ktrdr-agent data import SPX_1d.csv        # bars in
  ktrdr-agent sweep sma_cross SPX 1d        # every agent at work, a ranked table at the end
  ktrdr-agent status                        # the fleet on one screen
`;

function add(parent: CommandUnknownOpts, command: CommandUnknownOpts): void {
  parent.addCommand(command);
  inherit(parent, command);
}

function inherit(parent: CommandUnknownOpts, command: CommandUnknownOpts): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(command, child);
}

function exitCodeOf(error: unknown, shell: Shell, argv: readonly string[]): number {
  const json = argv.includes('--json');
  if (error instanceof ReaderGone) return 0;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Without a command the help itself was the answer, on stderr.
    if (error.code === 'commander.help') return 2;
    return printError(shell, usageFault(error, commandOf(argv)), json);
  }
  if (shell.signal.aborted) return signalExitCode(shell.signal.reason);
  return printError(shell, error, json);
}

/** "data import" of `data import --sybmol X`: the words that are commands. */
function commandOf(argv: readonly string[]): string {
  const words = argv.slice(0, 2).filter((word) => /^[a-z]+$/.test(word));
  const [first, second] = words;
  const command = COMMANDS.find(({ name }) => name === first);
  if (command === undefined) return '';
  const isGroup = ['data', 'dev'].includes(command.name);
  return isGroup && second !== undefined ? `${command.name} ${second}` : command.name;
}
