import { Command } from '@commander-js/extra-typings';
import type { CliCommand } from '#agent/cli/command';
import { changeKeyCommand, listKeysCommand, rotateKeysCommand } from '#agent/cli/gossip/key-commands';

export const keysCommand: CliCommand = {
  name: 'keys',
  create: (shell) =>
    new Command('keys')
      .description('Keys of the gossip: list them, and change them on all members at once')
      .helpOption('-h, --help', 'explain this command')
      .helpCommand(false)
      .addCommand(changeKeyCommand(shell, 'install'))
      .addCommand(listKeysCommand(shell))
      .addCommand(changeKeyCommand(shell, 'remove'))
      .addCommand(rotateKeysCommand(shell))
      .addCommand(changeKeyCommand(shell, 'use')),
};
