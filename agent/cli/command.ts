import { Command, Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { COMMON_OPTIONS } from './help-layout';
import type { Shell } from './shell';

/** One command of the command line; its file is one line in commands/registry.ts. */
export interface CliCommand {
  name: string;
  create(shell: Shell): CommandUnknownOpts;
}

/** What every command takes. */
export function plainCommand(name: string) {
  return new Command(name)
    .helpOption('-h, --help', 'explain this command')
    .addOption(new Option('--json', 'print one JSON document instead of text').helpGroup(COMMON_OPTIONS));
}

/** What a command takes that looks at the settings. */
export function settingsCommand(name: string) {
  return plainCommand(name).addOption(
    new Option('--settings <file>', 'settings file; default /etc/ktrdr/agent.yaml').helpGroup(COMMON_OPTIONS),
  );
}

/** What a command takes that talks to the control plane. */
export function clientCommand(name: string) {
  return settingsCommand(name)
    .addOption(new Option('--api-url <url>', 'where the control plane is').helpGroup(COMMON_OPTIONS))
    .addOption(new Option('--token-file <file>', 'file with the token of the API').helpGroup(COMMON_OPTIONS));
}

/** What `clientCommand` gives to an action. */
export interface ClientFlags {
  json?: true | undefined;
  settings?: string | undefined;
  apiUrl?: string | undefined;
  /** Only of `config` and `run`. */
  profile?: string | undefined;
  tokenFile?: string | undefined;
}

/**
 * The end of a help page: commands to copy, below what each does. test/system/examples.test.ts runs every one of
 * them; which operations, agents and files they may name stands in test/support/example-rules.ts.
 */
export function examples(...lines: ReadonlyArray<readonly [command: string, purpose: string]>): string {
  const rows = lines.map(([command, purpose]) => `  # ${purpose}\n  ktrdr-agent ${command}`);
  return `\nExamples:\n${rows.join('\n')}\n`;
}
