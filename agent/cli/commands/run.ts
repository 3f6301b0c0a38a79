import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { SETTINGS } from '#agent/contract/settings';
import { flagName, type Setting } from '#agent/kit/config';
import { loadSettings } from '#agent/daemon/settings';
import { examples, settingsCommand, type CliCommand } from '#agent/cli/command';

export const runCommand: CliCommand = {
  name: 'run',
  create(shell) {
    const command: CommandUnknownOpts = settingsCommand('run')
      .summary('Run an agent, the control plane, or both')
      .description('Run an agent, the control plane, or both, until SIGTERM; every setting is also a flag')
      .addHelpText(
        'after',
        examples(
          ['run', 'an agent, with the settings of /etc/ktrdr/agent.yaml'],
          ['run --role control', 'the control plane with its own PostgreSQL'],
          ['run --role control,worker --slots 4', 'both in one process'],
        ),
      );
    for (const [name, setting] of Object.entries<Setting>(SETTINGS))
      // A mapping has no form as a flag or in the environment.
      if (setting.env.length > 0) command.addOption(settingOption(name, setting));
    return command.action(async () => {
      const given: Record<string, unknown> = command.opts();
      const loaded = loadSettings({
        environment: shell.environment,
        uid: shell.uid,
        settingsPath: typeof given.settings === 'string' ? given.settings : undefined,
        flags: settingFlags(given),
      });
      // Lazy: the daemon brings everything along, and every other command is quick without it.
      const { runDaemon } = await import('#agent/daemon/run');
      shell.setExitCode(await runDaemon(loaded));
    });
  },
};

/** `--insecure` alone means true; every other setting takes a value. */
function settingOption(name: string, setting: Setting): Option {
  const argument = setting.schema.safeParse(true).success ? '[yes|no]' : '<value>';
  return new Option(`${flagName(name)} ${argument}`, `${setting.description} [${setting.env[0] ?? ''}]`);
}

/** Commander names a flag workerPort, the table of settings worker_port. */
function settingFlags(given: Readonly<Record<string, unknown>>): Record<string, string | boolean> {
  const flags: Record<string, string | boolean> = {};
  for (const [camel, value] of Object.entries(given)) {
    const name = camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (!Object.hasOwn(SETTINGS, name)) continue;
    if (typeof value === 'string' || typeof value === 'boolean') flags[name] = value;
  }
  return flags;
}
