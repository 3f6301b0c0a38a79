import { SETTINGS } from '#agent/contract/settings';
import { describeSettingOrigin, type LoadedSettings } from '#agent/daemon/settings';
import { examples, settingsCommand, type CliCommand } from '#agent/cli/command';
import { createOutput } from '#agent/cli/output';
import { effectiveSettings } from '#agent/cli/session';

export const configCommand: CliCommand = {
  name: 'config',
  create: (shell) =>
    settingsCommand('config')
      .summary('Every setting and where its value came from')
      .description('Every setting with its effective value and where it came from; secrets are not shown')
      .action((flags) => {
        const output = createOutput(shell, flags.json ?? false);
        const rows = settingRows(effectiveSettings(shell, flags).settings);
        output.document(rows);
        output.table(rows, [
          { header: 'SETTING', cell: ({ name }) => name },
          { header: 'VALUE', cell: valueText, widthMin: 12, overflow: 'middle' },
          { header: 'FROM', cell: ({ origin }) => origin, widthMin: 10, overflow: 'middle' },
          { header: 'MEANING', cell: ({ description }) => description, widthMin: 24, optional: true },
        ]);
        output.note(
          'Set them in /etc/ktrdr/agent.yaml, by the environment, or by flags of `ktrdr-agent run`.',
        );
      })
      .addHelpText(
        'after',
        examples(
          ['config', 'what is in force, and why'],
          ['config --settings ./agent.yaml', 'of another file'],
          ['config --json', 'with the environment name of each'],
        ),
      ),
};

export interface SettingRow {
  name: string;
  value: unknown;
  origin: string;
  environment: readonly string[];
  description: string;
}

const HIDDEN = '(hidden)';

export function settingRows({ values, origins }: LoadedSettings): SettingRow[] {
  const names = Object.keys(SETTINGS) as Array<keyof typeof SETTINGS>;
  return names.map((name) => {
    const setting = SETTINGS[name];
    const isSecret = 'secret' in setting && values[name] !== undefined;
    return {
      name,
      value: isSecret ? HIDDEN : (values[name] ?? null),
      origin: describeSettingOrigin(origins[name]),
      environment: setting.env,
      description: setting.description,
    };
  });
}

function valueText({ name, value }: SettingRow): string {
  if (value === null) return '–';
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(', ');
  if (typeof value === 'number' && isDuration(name))
    return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A setting that reads "1s" as a thousand is one in milliseconds; people write and read it with its unit. */
function isDuration(name: string): boolean {
  return SETTINGS[name as keyof typeof SETTINGS].schema.safeParse('1s').data === 1000;
}
