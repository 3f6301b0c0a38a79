import { Command } from '@commander-js/extra-typings';
import { examples, plainCommand, type CliCommand } from '#agent/cli/command';
import { createOutput } from '#agent/cli/output';
import { fleetDirectory } from '#agent/cli/dev/fleet-file';
import type { Shell } from '#agent/cli/shell';
import { wholeNumber } from '#agent/cli/usage';
import { resolve } from 'node:path';

export const devCommand: CliCommand = {
  name: 'dev',
  create: (shell) =>
    new Command('dev')
      .summary('A whole fleet on this machine')
      .description('A whole fleet on this machine: control plane, PostgreSQL and agents')
      .helpOption('-h, --help', 'explain this command')
      .helpCommand(false)
      .addCommand(upCommand(shell))
      .addCommand(downCommand(shell))
      .addCommand(statusCommand(shell)),
};

function upCommand(shell: Shell) {
  return fleetCommand('up')
    .description('Start it, or what of it is not running; other commands find it without flags')
    .option(
      '--agents <n>',
      'how many agents; default: as many as there are, else 2',
      wholeNumber('--agents', 0, 64),
    )
    .option(
      '--slots <n>',
      'pieces of work that each agent runs at once; default: its share of the cores',
      wholeNumber('--slots', 1, 1024),
    )
    .option(
      '--port <n>',
      'port of the control plane; default 8000, or the next free one',
      wholeNumber('--port', 1, 65_535),
    )
    .option(
      '--watch',
      'then restart what a changed source file, or a replaced binary, concerns; jobs go on. Ctrl-C ends the watching, not the fleet',
    )
    .action(async ({ dir, json, agents, slots, port, watch }) => {
      const { startFleet } = await import('#agent/cli/dev/start-fleet');
      const { showFleet } = await import('#agent/cli/dev/fleet-view');
      const output = createOutput(shell, json ?? false);
      const fleet = await startFleet({
        directory: directoryOf(shell, dir),
        agents,
        slots,
        port,
        shell,
        output,
      });
      showFleet(output, fleet);
      if (dir !== undefined)
        output.note(`Other commands find it by: export KTRDR_DEV_DIR=${fleet.directory}`);
      if (watch === undefined) return;
      const { watchFleet } = await import('#agent/cli/dev/watch-fleet');
      await watchFleet({ directory: fleet.directory, shell, output });
    })
    .addHelpText(
      'after',
      examples(
        ['dev up', 'a control plane and two agents'],
        ['dev up --agents 4 --slots 1', 'more and smaller agents'],
        ['dev up --watch', 'for work on the sources'],
        ['dev up --dir /tmp/fleet', 'apart from the usual one'],
      ),
    );
}

function downCommand(shell: Shell) {
  return fleetCommand('down')
    .description('Stop it: agents, control plane, PostgreSQL and job processes; the data stays')
    .action(async ({ dir, json }) => {
      const { stopFleet } = await import('#agent/cli/dev/stop-fleet');
      const output = createOutput(shell, json ?? false);
      output.document(await stopFleet({ directory: directoryOf(shell, dir), shell, output }));
    })
    .addHelpText('after', examples(['dev down', 'nothing of the fleet runs afterwards']));
}

function statusCommand(shell: Shell) {
  return fleetCommand('status')
    .description('Its processes; exit 0 when all run, 1 when some do, 2 when none does')
    .action(async ({ dir, json }) => {
      const { readFleet } = await import('#agent/cli/dev/fleet-file');
      const { showFleet, fleetExitCode } = await import('#agent/cli/dev/fleet-view');
      const output = createOutput(shell, json ?? false);
      const fleet = readFleet(directoryOf(shell, dir));
      if (fleet === undefined) {
        output.document(null);
        output.line('No fleet was started here. Start one: ktrdr-agent dev up');
      } else showFleet(output, fleet);
      shell.setExitCode(fleetExitCode(fleet));
    })
    .addHelpText('after', examples(['dev status', 'pids, ports and log files']));
}

function fleetCommand(name: string) {
  return plainCommand(name).option(
    '--dir <directory>',
    'where its files are; default KTRDR_DEV_DIR, else /var/lib/ktrdr-dev or ~/.local/state/ktrdr-dev',
  );
}

function directoryOf(shell: Shell, given: string | undefined): string {
  return given === undefined ? fleetDirectory(shell) : resolve(given);
}
