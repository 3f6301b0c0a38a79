import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeOrigin, resolveSettings, type Given, type Origin, type Settings } from '#agent/kit/config';
import { errorCode, Fault } from '#agent/kit/error';
import { SEED_KEYS } from '#agent/contract/seed-names';
import { SETTINGS, type SettingsTable, type SettingsValues } from '#agent/contract/settings';
import { PROFILE_CONTENTS } from './profiles';
import { settingWarnings, type SettingWarning } from './setting-warnings';

/** Where a setting came from; the command line adds the fleet of `dev up` to what the table knows. */
export type SettingOrigin = Origin | { from: 'dev fleet'; path: string };

/** Every setting, with the directories and addresses whose defaults depend on the user filled in. */
export interface LoadedSettings {
  values: ResolvedValues;
  origins: Record<keyof SettingsTable, SettingOrigin>;
  /** Every source that has a value, the one that counts first. */
  given: Record<keyof SettingsTable, readonly Given[]>;
  /** The settings file that was read; null when there is none. */
  file: string | null;
  /** For `run`, `config` and `doctor` to say. */
  warnings: readonly SettingWarning[];
}

type Resolved = 'api_url' | 'cache_dir' | 'runtime_dir' | 'state_dir' | 'token_file';
export type ResolvedValues = SettingsValues & { [K in Resolved]: string };

export interface SettingsInputs {
  environment: Readonly<Record<string, string | undefined>>;
  /** Flags by setting name (snake_case), undefined when not given. */
  flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** `--settings`: a file that must exist, unlike the default one. */
  settingsPath?: string | undefined;
  /** User id of this process: root has the system's directories, others their own. */
  uid: number;
  /** Text of a file, undefined when there is none. Default: the disk. */
  readFile?: (path: string) => string | undefined;
}

export const SETTINGS_PATH = '/etc/ktrdr/agent.yaml';
export const SETTINGS_BYTES_MAX = 1024 * 1024;

/**
 * Flag over environment over file over profile over default. The file is `settingsPath`, else
 * KTRDR_SETTINGS, else /etc/ktrdr/agent.yaml. Fault(settings) names the file, the setting and where its value came from.
 */
export function loadSettings(inputs: SettingsInputs): LoadedSettings {
  const file = readSettings(inputs);
  const profile = chosenProfile(inputs, file?.content);
  const { values, origins, given }: Settings<SettingsTable> = resolveSettings(SETTINGS, {
    environment: inputs.environment,
    replacedKeys: SEED_KEYS,
    ...(inputs.flags === undefined ? {} : { flags: inputs.flags }),
    ...(file === undefined ? {} : { file }),
    ...(profile === undefined ? {} : { profile }),
  });
  if (origins.database_url.from === 'flag') refusePasswordInFlag(values.database_url);
  return {
    values: withDirectories(values, inputs),
    origins,
    given,
    file: file?.path ?? null,
    warnings: settingWarnings(inputs.environment, values),
  };
}

/** "file /etc/ktrdr/agent.yaml", "environment WORKER_PORT", "flag --worker-port", "dev fleet …", "default". */
export function describeSettingOrigin(origin: SettingOrigin): string {
  return origin.from === 'dev fleet' ? `dev fleet ${origin.path}` : describeOrigin(origin);
}

/** $HOME; root has one without the variable too. Throws Fault(settings) where nobody says. */
export function homeDirectory(inputs: Pick<SettingsInputs, 'environment' | 'uid'>): string {
  const { HOME } = inputs.environment;
  if (HOME?.startsWith('/')) return HOME;
  if (inputs.uid === 0) return '/root';
  throw new Fault('settings', 'Cannot choose directories: HOME is not set', {
    hint: 'set HOME, or state_dir, runtime_dir and cache_dir',
  });
}

/** Every user of a machine reads the arguments of its processes. */
function refusePasswordInFlag(url: string | undefined): void {
  if (url === undefined || !URL.canParse(url) || new URL(url).password === '') return;
  throw new Fault('settings', 'Cannot take database_url from a flag: everybody could read its password', {
    hint: 'set DATABASE_URL, or database_url in a settings file of mode 0600',
  });
}

/** A name that is none is left to the setting itself, whose error says where it came from. */
function chosenProfile({ flags, environment }: SettingsInputs, fileContent: unknown) {
  const inFile = z.object({ profile: z.unknown() }).safeParse(fileContent).data?.profile;
  const chosen = flags?.['profile'] ?? (environment.KTRDR_PROFILE || inFile);
  const { data: name } = SETTINGS.profile.schema.safeParse(chosen);
  return name === undefined ? undefined : { name, content: PROFILE_CONTENTS[name] };
}

function withDirectories(values: SettingsValues, inputs: SettingsInputs): ResolvedValues {
  const state_dir = values.state_dir ?? defaultStateDirectory(inputs);
  return {
    ...values,
    api_url: values.api_url ?? `http://127.0.0.1:${values.api_port}`,
    cache_dir: values.cache_dir ?? defaultCacheDirectory(inputs),
    runtime_dir: values.runtime_dir ?? defaultRuntimeDirectory(inputs),
    state_dir,
    token_file: values.token_file ?? join(state_dir, 'token'),
  };
}

function defaultStateDirectory(inputs: SettingsInputs): string {
  if (inputs.uid === 0) return '/var/lib/ktrdr';
  return join(inputs.environment.XDG_STATE_HOME || join(homeDirectory(inputs), '.local/state'), 'ktrdr');
}

function defaultCacheDirectory(inputs: SettingsInputs): string {
  if (inputs.uid === 0) return '/var/cache/ktrdr';
  return join(inputs.environment.XDG_CACHE_HOME || join(homeDirectory(inputs), '.cache'), 'ktrdr');
}

function defaultRuntimeDirectory({ uid, environment }: SettingsInputs): string {
  if (uid === 0) return '/run/ktrdr';
  if (environment.XDG_RUNTIME_DIR) return join(environment.XDG_RUNTIME_DIR, 'ktrdr');
  return `/tmp/ktrdr-${uid}`;
}

function readSettings(inputs: SettingsInputs): { path: string; content: unknown } | undefined {
  const named = inputs.settingsPath ?? (inputs.environment.KTRDR_SETTINGS || undefined);
  const path = named ?? SETTINGS_PATH;
  const text = (inputs.readFile ?? readSettingsFile)(path);
  if (text !== undefined) return { path, content: parseYaml(path, text) };
  if (named === undefined) return undefined;
  throw new Fault('settings', `Cannot read settings from ${path}: there is no such file`, {
    hint: 'correct --settings or KTRDR_SETTINGS; without them the file is /etc/ktrdr/agent.yaml',
  });
}

function parseYaml(path: string, text: string): unknown {
  refuseRepeatedKey(path, text);
  try {
    return Bun.YAML.parse(text);
  } catch (cause) {
    throw new Fault('settings', `Cannot read settings from ${path}: it is not YAML`, {
      cause,
      hint: 'write one "name: value" a line; `ktrdr-agent config` lists the names',
    });
  }
}

/** Bun's parser takes the last one without a word. A setting begins its line; what is indented is a value. */
function refuseRepeatedKey(path: string, text: string): void {
  const seen = new Set<string>();
  for (const [, key = ''] of text.matchAll(/^(\w+)[ \t]*:/gm)) {
    if (seen.has(key)) {
      throw new Fault(
        'settings',
        `Cannot read settings from ${path}: "${key.slice(0, 100)}" is there twice`,
        {
          hint: 'keep the one that is meant',
        },
      );
    }
    seen.add(key);
  }
}

function readSettingsFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT' || errorCode(cause) === 'ENOTDIR') return undefined;
    throw unreadable(path, errorCode(cause) ?? 'it failed', cause);
  }
  try {
    const bytes = Buffer.alloc(SETTINGS_BYTES_MAX + 1);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    if (length > SETTINGS_BYTES_MAX) throw unreadable(path, `it is larger than ${SETTINGS_BYTES_MAX} bytes`);
    return bytes.toString('utf8', 0, length);
  } catch (cause) {
    throw cause instanceof Fault ? cause : unreadable(path, errorCode(cause) ?? 'it failed', cause);
  } finally {
    closeSync(file);
  }
}

function unreadable(path: string, state: string, cause?: unknown): Fault {
  return new Fault('settings', `Cannot read settings from ${path}: ${state}`, {
    cause,
    hint: 'the file must be readable by this user; --settings names another',
  });
}
