import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { versionText } from '#agent/cli/version-text';

export const versionCommand: CliCommand = {
  name: 'version',
  create: (shell) =>
    plainCommand('version')
      .description('Version, commit and platform of this binary')
      .action(({ json }) => {
        shell.stdout.write(versionText(json ?? false));
      })
      .addHelpText(
        'after',
        examples(['version', 'which program this is'], ['version --json', 'for scripts']),
      ),
};
