import { buildInfo } from '#agent/kit/build-info';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { createOutput } from '#agent/cli/output';

export const versionCommand: CliCommand = {
  name: 'version',
  create: (shell) =>
    plainCommand('version')
      .description('Version, commit and platform of this binary')
      .action(({ json }) => {
        const output = createOutput(shell, json ?? false);
        output.document(buildInfo);
        output.line(`ktrdr-agent ${buildInfo.version} (${buildInfo.commit}, ${buildInfo.target})`);
      })
      .addHelpText(
        'after',
        examples(['version', 'which program this is'], ['version --json', 'for scripts']),
      ),
};
