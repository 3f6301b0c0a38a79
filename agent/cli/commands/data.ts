import { Command } from '@commander-js/extra-typings';
import type { CliCommand } from '#agent/cli/command';
import { exportDataCommand } from '#agent/cli/data/export-bars';
import { importCommand } from '#agent/cli/data/import-bars';
import { showDataCommand } from '#agent/cli/data/show-bars';

export const dataCommand: CliCommand = {
  name: 'data',
  create: (shell) =>
    new Command('data')
      .description('Bars: import them, look at them, and export them')
      .helpOption('-h, --help', 'explain this command')
      .helpCommand(false)
      .addCommand(exportDataCommand(shell))
      .addCommand(importCommand(shell))
      .addCommand(showDataCommand(shell)),
};
