import { Argument } from '@commander-js/extra-typings';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { SCRIPTS, SHELLS } from '#agent/cli/completion/scripts';
import { createOutput } from '#agent/cli/output';

export const completionCommand: CliCommand = {
  name: 'completion',
  create: (shell) =>
    plainCommand('completion')
      .summary('Completion for bash, zsh or fish')
      .description(
        'Print a script that completes commands, options, files, and what the control plane knows: operations, agents, symbols. A new shell has it; the script needs no update.',
      )
      .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
      .action((name, { json }) => {
        const output = createOutput(shell, json ?? false);
        const script = SCRIPTS[name];
        output.document({ shell: name, script });
        output.line(script.trimEnd());
      })
      .addHelpText(
        'after',
        examples(
          [
            'completion bash > ~/.local/share/bash-completion/completions/ktrdr-agent',
            'bash, with the package bash-completion',
          ],
          ['completion bash >> ~/.bashrc', 'bash without it'],
          ['completion zsh > ~/.zfunc/_ktrdr-agent', 'zsh, in a folder of its fpath, before compinit'],
          ['completion fish > ~/.config/fish/completions/ktrdr-agent.fish', 'fish'],
        ),
      ),
};
