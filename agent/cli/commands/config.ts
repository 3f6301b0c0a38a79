import { Option } from '@commander-js/extra-typings';
import { PROFILES } from '#agent/contract/settings';
import type { LoadedSettings } from '#agent/daemon/settings';
import { examples, settingsCommand, type CliCommand } from '#agent/cli/command';
import { createOutput, type Output } from '#agent/cli/output';
import { effectiveSettings } from '#agent/cli/session';
import {
  explainSetting,
  findSetting,
  SETTING_NAMES,
  settingRow,
  showExplained,
  type SettingRow,
} from '#agent/cli/setting-view';

export const configCommand: CliCommand = {
  name: 'config',
  create: (shell) =>
    settingsCommand('config')
      .summary('Every setting and where its value came from')
      .description(
        'Every setting with its effective value and where it came from; secrets are not shown. Flag goes ' +
          'before environment, environment before file, file before profile.',
      )
      .argument('[name]', 'a setting to explain, as with --explain')
      .option('--explain <name>', 'all about one setting, or about an environment name of older set-ups')
      .option('--changed', 'only those that are not at their default')
      .addOption(new Option('--profile <name>', 'as with this profile below the file').choices(PROFILES))
      .action((name, { explain = name, changed, json, ...flags }) => {
        const output = createOutput(shell, json ?? false);
        // A name that nobody knows is refused before any setting can be.
        const found = explain === undefined ? undefined : findSetting(explain);
        if (typeof found === 'object') {
          output.document(found);
          return output.line(`${found.name} ${found.answer}`);
        }
        const { settings } = effectiveSettings(shell, flags);
        if (found !== undefined) {
          const explained = explainSetting(settings, found);
          output.document(explained);
          return showExplained(output, explained, settings.file);
        }
        showAll(output, settings, changed ?? false);
      })
      .addHelpText(
        'after',
        examples(
          ['config', 'what is in force, and why'],
          ['config --explain slots', 'meaning, default, names, and every source that was looked at'],
          ['config --explain REDIS_URL', 'what became of a name of an older set-up'],
          ['config --profile prod --changed', 'what a profile changes'],
          ['config --json', 'with the environment names of each'],
        ),
      ),
};

function showAll(output: Output, settings: LoadedSettings, onlyChanged: boolean): void {
  const { file, values, warnings } = settings;
  const all = SETTING_NAMES.map((name) => settingRow(settings, name));
  const rows = onlyChanged ? all.filter(({ origin }) => origin !== 'default') : all;
  output.document({ file, profile: values.profile ?? null, settings: rows, warnings });
  if (rows.length === 0) output.line('Every setting is at its default.');
  else showRows(output, rows);
  for (const { message, hint } of warnings) {
    output.note(`warning: ${message}${hint === null ? '' : ` (${hint})`}`);
  }
  output.note('Set them in /etc/ktrdr/agent.yaml, by the environment, or by flags of `ktrdr-agent run`.');
}

function showRows(output: Output, rows: readonly SettingRow[]): void {
  output.table(rows, [
    { header: 'SETTING', cell: ({ name }) => name },
    { header: 'VALUE', cell: ({ text }) => text ?? '–', widthMin: 12, overflow: 'middle' },
    { header: 'FROM', cell: ({ origin }) => origin, widthMin: 10, overflow: 'middle' },
    { header: 'MEANING', cell: ({ description }) => description, widthMin: 24, optional: true },
  ]);
}
