import { OWN_NAMES, SEED_NAMES } from '#agent/contract/seed-names';
import { SETTINGS, type SettingsTable } from '#agent/contract/settings';
import { describeSettingOrigin, SETTINGS_PATH, type LoadedSettings } from '#agent/daemon/settings';
import { describeOrigin, flagName, settingText, type Setting } from '#agent/kit/config';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import type { Output } from './output';
import { printable } from './text';

export type SettingName = keyof SettingsTable;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** One setting as `config` shows it; values in their own type for --json. */
export interface SettingRow {
  name: SettingName;
  value: unknown;
  /** The value as people write it; null when there is none. */
  text: string | null;
  origin: string;
  environment: readonly string[];
  description: string;
}

export function settingRow({ values, origins }: LoadedSettings, name: SettingName): SettingRow {
  const setting: Setting = SETTINGS[name];
  const value = shown(setting, values[name]);
  return {
    name,
    value,
    text: value === null || isEmpty(value) ? null : settingText(setting, value),
    origin: describeSettingOrigin(origins[name]),
    environment: namesOf(setting),
    description: setting.description,
  };
}

/** All there is about one setting. */
export interface ExplainedSetting extends SettingRow {
  /** As people write it; null when there is none, or when it is found by itself. */
  default: string | null;
  /** Null for what only a file can say. */
  flag: string | null;
  /** A line for the settings file. */
  example: string;
  secret: boolean;
  /** Every source that has a value; the first one counts. */
  sources: Array<{ origin: string; value: string; counts: boolean }>;
}

export function explainSetting(settings: LoadedSettings, name: SettingName): ExplainedSetting {
  const setting: Setting = SETTINGS[name];
  const row = settingRow(settings, name);
  const { example } = setting;
  return {
    ...row,
    default: defaultText(setting),
    flag: setting.env.length === 0 ? null : flagName(name),
    example: `${name}: ${example ?? row.text ?? '…'}`,
    secret: setting.secret === true,
    sources: settings.given[name].map(({ origin, raw }, index) => ({
      origin: describeOrigin(origin),
      value: settingText(setting, shown(setting, raw) ?? ''),
      counts: index === 0 && row.origin === describeOrigin(origin),
    })),
  };
}

export function showExplained(output: Output, explained: ExplainedSetting, file: string | null): void {
  const { style } = output;
  output.line(`${style.bold(explained.name)}: ${explained.description}`);
  output.line();
  const line = (label: string, text: string): void => output.line(`  ${label.padEnd(12)} ${printable(text)}`);
  line('value', `${explained.text ?? '–'}, from ${explained.origin}`);
  line('default', explained.default ?? '–');
  line('file', `${explained.example}   (${file ?? SETTINGS_PATH})`);
  line('environment', explained.environment.join(', ') || 'no: only the file can say it');
  if (explained.flag !== null) line('flag', `ktrdr-agent run ${explained.flag}`);
  if (explained.secret) line('secret', 'its value is never shown');
  output.line();
  if (explained.sources.length === 0) {
    return output.line('No flag, environment, file or profile sets it: the default counts.');
  }
  for (const { origin, value, counts } of explained.sources) {
    output.line(`  ${counts ? 'counts' : 'lost  '}  ${printable(origin)}: ${printable(value)}`);
  }
}

export interface AnsweredName {
  name: string;
  answer: string;
}

/** A setting by its name, flag or environment name; or the answer for a name that is none. */
export function findSetting(text: string): SettingName | AnsweredName {
  const plain = text.replace(/^--/, '').replaceAll('-', '_').toLowerCase();
  const found = SETTING_NAMES.find((name) => name === plain || namesOf(SETTINGS[name]).includes(text));
  if (found !== undefined) return found;
  const seed = Object.hasOwn(SEED_NAMES, text) ? SEED_NAMES[text] : undefined;
  if (seed !== undefined) return { name: text, answer: `is not read: ${seed.answer}` };
  const own = Object.hasOwn(OWN_NAMES, text) ? OWN_NAMES[text] : undefined;
  if (own !== undefined) return { name: text, answer: `is no setting; it is read by ${own}` };
  const known = [...SETTING_NAMES, ...SETTING_NAMES.flatMap((name) => namesOf(SETTINGS[name]))];
  const suggestion = nearest(text, known) ?? nearest(plain, SETTING_NAMES);
  throw new Fault('bad_request', `Cannot explain ${text.slice(0, 100)}: there is no such setting`, {
    hint:
      suggestion === undefined ? '`ktrdr-agent config` lists every setting' : `did you mean ${suggestion}?`,
  });
}

export function defaultText(setting: Setting): string | null {
  if (setting.defaultInWords !== undefined) return setting.defaultInWords;
  const value: unknown = setting.schema.safeParse(undefined).data;
  return value === undefined || isEmpty(value) ? null : settingText(setting, value);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

export function namesOf(setting: Setting): readonly string[] {
  return [...setting.env, ...(setting.composed?.env ?? [])];
}

const HIDDEN = '(hidden)';

function shown(setting: Setting, value: unknown): unknown {
  if (value === undefined) return null;
  if (setting.secret === true) return HIDDEN;
  return typeof value === 'string' ? withoutPassword(value) : value;
}

/** An address may carry the password of a proxy. */
function withoutPassword(text: string): string {
  return text.replace(/^(\w+:\/\/[^/@:]*):[^/@]*@/, `$1:${HIDDEN}@`);
}
