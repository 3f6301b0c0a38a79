import { z } from 'zod';
import { Fault } from './error';
import { nearest } from './nearest';

/** One setting: how it is written in a file, in the environment and as a flag, and what it is for. */
export interface Setting<T extends z.ZodType = z.ZodType> {
  schema: T;
  /** Environment names, the first one documented, the others accepted; none: only a file can say it. */
  env: readonly string[];
  description: string;
  /** A value to copy into a settings file. */
  example?: string;
  /** The default in words, where it depends on user or machine. */
  defaultInWords?: string;
  /** Environment names that make the value together, where none of `env` is set. */
  composed?: { env: readonly string[]; compose: (environment: Environment) => string | undefined };
  /** What a number counts; people write and read it with its unit. */
  unit?: 'ms' | 'bytes';
  /** Never printed. */
  secret?: boolean;
}

export type SettingTable = Record<string, Setting>;
export type SettingValues<T extends SettingTable> = { [K in keyof T]: z.output<T[K]['schema']> };
export type Environment = Readonly<Record<string, string | undefined>>;

export type Origin =
  | { from: 'default' }
  | { from: 'profile'; name: string }
  | { from: 'file'; path: string }
  | { from: 'environment'; name: string }
  | { from: 'flag'; name: string };

/** One source that has a value for a setting. */
export interface Given {
  origin: Origin;
  raw: unknown;
}

export interface Settings<T extends SettingTable> {
  values: SettingValues<T>;
  origins: { [K in keyof T]: Origin };
  /** Every source that has a value, the one that counts first; empty: the default counts. */
  given: { [K in keyof T]: readonly Given[] };
}

export interface SettingSources {
  /** Named values below the file. */
  profile?: { name: string; content: unknown };
  /** The parsed settings file, if there is one. */
  file?: { path: string; content: unknown };
  environment: Environment;
  /** Flags by setting name, undefined when not given. */
  flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** What to write instead of file keys that are no settings, though people know them. */
  replacedKeys?: Readonly<Record<string, string>>;
}

/** Resolves every setting: flag over environment over file over profile over default. Unknown file keys are errors. */
export function resolveSettings<T extends SettingTable>(table: T, sources: SettingSources): Settings<T> {
  const layers = fileLayers(table, sources);
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const given: Record<string, readonly Given[]> = {};
  for (const [name, setting] of Object.entries(table)) {
    const found = [...givenByProcess(name, setting, sources), ...givenByFiles(name, layers)];
    const { raw, origin }: Given = found[0] ?? { raw: undefined, origin: { from: 'default' } };
    const parsed = setting.schema.safeParse(raw);
    if (!parsed.success) throw settingFault(name, setting, { raw, origin, error: parsed.error });
    values[name] = parsed.data;
    origins[name] = origin;
    given[name] = found;
  }
  return { values, origins, given } as Settings<T>;
}

/** "file /etc/ktrdr/agent.yaml", "environment WORKER_PORT", "flag --worker-port", "profile dev", "default". */
export function describeOrigin(origin: Origin): string {
  switch (origin.from) {
    case 'default':
      return 'default';
    case 'profile':
      return `profile ${origin.name}`;
    case 'file':
      return `file ${origin.path}`;
    case 'environment':
      return `environment ${origin.name}`;
    case 'flag':
      return `flag ${origin.name}`;
  }
}

export function flagName(setting: string): string {
  return `--${setting.replaceAll('_', '-')}`;
}

/** Flag, then environment: what this one process was given. An empty variable is none. */
function givenByProcess(name: string, setting: Setting, sources: SettingSources): Given[] {
  const flag = sources.flags?.[name];
  const found: Given[] =
    flag === undefined ? [] : [{ raw: flag, origin: { from: 'flag', name: flagName(name) } }];
  for (const variable of setting.env) {
    const value = sources.environment[variable];
    if (value !== undefined && value !== '')
      found.push({ raw: value, origin: { from: 'environment', name: variable } });
  }
  const composed = setting.composed?.compose(sources.environment);
  if (setting.composed !== undefined && composed !== undefined) {
    const parts = setting.composed.env.filter((part) => sources.environment[part]);
    found.push({ raw: composed, origin: { from: 'environment', name: parts.join(', ') } });
  }
  return found;
}

interface FileLayer {
  origin: Origin;
  content: Readonly<Record<string, unknown>>;
}

function givenByFiles(name: string, layers: readonly FileLayer[]): Given[] {
  return layers
    .filter(({ content }) => Object.hasOwn(content, name))
    .map(({ origin, content }) => ({ origin, raw: content[name] }));
}

function fileLayers(table: SettingTable, sources: SettingSources): FileLayer[] {
  const { file, profile, replacedKeys = {} } = sources;
  const layers: FileLayer[] = [];
  if (file !== undefined) layers.push({ origin: { from: 'file', path: file.path }, content: mapping(file) });
  if (profile !== undefined) {
    const content = mapping({ path: `profile ${profile.name}`, content: profile.content });
    layers.push({ origin: { from: 'profile', name: profile.name }, content });
  }
  for (const { origin, content } of layers) {
    const unknown = Object.keys(content).filter((key) => !Object.hasOwn(table, key));
    if (unknown.length === 0) continue;
    const where = origin.from === 'file' ? origin.path : describeOrigin(origin);
    throw unknownKeys(where, unknown, { known: Object.keys(table), replacedKeys });
  }
  return layers;
}

function mapping({ path, content }: { path: string; content: unknown }): Record<string, unknown> {
  if (content === null || content === undefined) return {};
  const parsed = z.record(z.string(), z.unknown()).safeParse(content);
  if (parsed.success) return parsed.data;
  throw new Fault('settings', `Cannot read settings from ${path}: it is not a mapping of names to values`, {
    hint: 'write one "name: value" a line; `ktrdr-agent config` lists the names',
  });
}

const UNKNOWN_SHOWN = 20;

/** All of them at once: whoever brings an older file corrects it in one go. */
function unknownKeys(
  where: string,
  unknown: readonly string[],
  { known, replacedKeys }: { known: readonly string[]; replacedKeys: Readonly<Record<string, string>> },
): Fault {
  const shown = unknown.slice(0, UNKNOWN_SHOWN);
  const more = unknown.length > shown.length ? `, and ${unknown.length - shown.length} more` : '';
  const names = shown.map((key) => `"${key.slice(0, 100)}"`).join(', ') + more;
  const answers = shown.flatMap((key) => {
    const answer = Object.hasOwn(replacedKeys, key) ? replacedKeys[key] : undefined;
    if (answer !== undefined) return [`${key}: ${answer}`];
    const suggestion = nearest(key, known);
    if (suggestion === undefined) return [];
    return [shown.length === 1 ? `did you mean "${suggestion}"?` : `${key}: did you mean "${suggestion}"?`];
  });
  const none = shown.length === 1 ? 'setting' : 'settings';
  return new Fault('settings', `Cannot read settings from ${where}: there is no ${none} ${names}`, {
    hint: answers.join('; ') || '`ktrdr-agent config` lists every setting',
  });
}

interface BadValue {
  raw: unknown;
  origin: Origin;
  error: z.ZodError;
}

function settingFault(name: string, setting: Setting, bad: BadValue): Fault {
  const why = bad.error.issues.map((issue) => issue.message).join('; ');
  const shown = setting.secret ? 'its value' : JSON.stringify(bad.raw).slice(0, 300);
  return new Fault('settings', `Cannot use ${shown} as ${name} (${describeOrigin(bad.origin)}): ${why}`, {
    hint: `${name}: ${setting.description}`,
  });
}

/** A duration as people write it ("30s", "5m", "250ms", "2h"), in milliseconds. */
export const durationMsSchema = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  // A bare number would be milliseconds to us and seconds to whoever wrote it.
  const text = String(value).trim();
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text);
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ''];
  if (match === null || unitMs === undefined) {
    const isBare = /^\d+$/.test(text);
    context.addIssue(
      isBare
        ? `write it with a unit, such as ${text}s`
        : `"${text}" is not a duration such as 250ms, 30s, 5m or 2h`,
    );
    return z.NEVER;
  }
  return Math.round(Number(match[1]) * unitMs);
});

/** A port from a file, a flag or the environment; 0 asks the system for a free one. */
export const portSchema = z.coerce.number({ error: 'give a port from 0 to 65535' }).int().min(0).max(65_535);

/** An amount of memory or disk as people write it ("512MiB", "1.5GiB", "2G", plain bytes), in bytes; units are binary. */
export const bytesSchema = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|B)?$/i.exec(value.trim());
  if (match === null) {
    context.addIssue(`"${value}" is not an amount such as 512MiB or 2GiB`);
    return z.NEVER;
  }
  const power = ['', 'K', 'M', 'G', 'T'].indexOf(match[2]?.toUpperCase() ?? '');
  return Math.round(Number(match[1]) * 1024 ** power);
});

/** A value as a settings file has it: durations and amounts with their unit. */
export function settingText({ unit }: Pick<Setting, 'unit'>, value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(', ');
  if (typeof value === 'number' && unit === 'ms') return durationText(value);
  if (typeof value === 'number' && unit === 'bytes') return bytesText(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function durationText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function bytesText(bytes: number): string {
  const units = [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const;
  const found = units.find(([, size]) => bytes >= size && bytes % size === 0);
  return found === undefined ? String(bytes) : `${bytes / found[1]}${found[0]}`;
}
