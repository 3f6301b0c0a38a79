import { z } from 'zod';
import { Fault } from './error';
import { nearest } from './nearest';

/** One setting: how it is written in a file, in the environment and as a flag, and what it is for. */
export interface Setting<T extends z.ZodType = z.ZodType> {
  schema: T;
  /** Environment names, the first one documented, the others accepted. */
  env: readonly string[];
  description: string;
  /** Never printed. */
  secret?: boolean;
}

export type SettingTable = Record<string, Setting>;
export type SettingValues<T extends SettingTable> = { [K in keyof T]: z.output<T[K]['schema']> };

export type Origin =
  | { from: 'default' }
  | { from: 'file'; path: string }
  | { from: 'environment'; name: string }
  | { from: 'flag'; name: string };

export interface Settings<T extends SettingTable> {
  values: SettingValues<T>;
  origins: { [K in keyof T]: Origin };
}

export interface SettingSources {
  /** The parsed settings file, if there is one. */
  file?: { path: string; content: unknown };
  environment: Readonly<Record<string, string | undefined>>;
  /** Flags by setting name, undefined when not given. */
  flags?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** Resolves every setting: flag over environment over file over default. Unknown file keys are errors. */
export function resolveSettings<T extends SettingTable>(table: T, sources: SettingSources): Settings<T> {
  const fileValues = fileContent(table, sources.file);
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const [name, setting] of Object.entries(table)) {
    const { raw, origin } = pick(name, setting, { ...sources, fileValues });
    const parsed = setting.schema.safeParse(raw);
    if (!parsed.success) throw settingFault(name, setting, { raw, origin, error: parsed.error });
    values[name] = parsed.data;
    origins[name] = origin;
  }
  return { values, origins } as Settings<T>;
}

/** "file /etc/ktrdr/agent.yaml", "environment WORKER_PORT", "flag --worker-port", "default". */
export function describeOrigin(origin: Origin): string {
  switch (origin.from) {
    case 'default':
      return 'default';
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

interface PickSources extends SettingSources {
  fileValues: Record<string, unknown>;
}

function pick(name: string, setting: Setting, sources: PickSources): { raw: unknown; origin: Origin } {
  const flag = sources.flags?.[name];
  if (flag !== undefined) return { raw: flag, origin: { from: 'flag', name: flagName(name) } };
  for (const variable of setting.env) {
    const value = sources.environment[variable];
    if (value !== undefined && value !== '')
      return { raw: value, origin: { from: 'environment', name: variable } };
  }
  if (sources.file && Object.hasOwn(sources.fileValues, name)) {
    return { raw: sources.fileValues[name], origin: { from: 'file', path: sources.file.path } };
  }
  return { raw: undefined, origin: { from: 'default' } };
}

function fileContent(table: SettingTable, file: SettingSources['file']): Record<string, unknown> {
  if (file === undefined || file.content === null || file.content === undefined) return {};
  const parsed = z.record(z.string(), z.unknown()).safeParse(file.content);
  if (!parsed.success) {
    throw new Fault(
      'settings',
      `Cannot read settings from ${file.path}: it is not a mapping of names to values`,
      {
        hint: 'write one "name: value" a line; `ktrdr-agent config` lists the names',
      },
    );
  }
  for (const key of Object.keys(parsed.data)) {
    if (Object.hasOwn(table, key)) continue;
    const suggestion = nearest(key, Object.keys(table));
    throw new Fault('settings', `Cannot read settings from ${file.path}: there is no setting "${key}"`, {
      hint: suggestion ? `did you mean "${suggestion}"?` : '`ktrdr-agent config` lists every setting',
    });
  }
  return parsed.data;
}

interface BadValue {
  raw: unknown;
  origin: Origin;
  error: z.ZodError;
}

function settingFault(name: string, setting: Setting, bad: BadValue): Fault {
  const why = bad.error.issues.map((issue) => issue.message).join('; ');
  const shown = setting.secret ? 'its value' : JSON.stringify(bad.raw);
  return new Fault('settings', `Cannot use ${shown} as ${name} (${describeOrigin(bad.origin)}): ${why}`, {
    hint: `${name}: ${setting.description}`,
  });
}

/** A duration as people write it ("30s", "5m", "250ms", "2h"), in milliseconds. */
export const durationMsSchema = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(value.trim());
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ''];
  if (match === null || unitMs === undefined) {
    context.addIssue(`"${value}" is not a duration such as 250ms, 30s, 5m or 2h`);
    return z.NEVER;
  }
  return Math.round(Number(match[1]) * unitMs);
});

/** A port from a file, a flag or the environment; 0 asks the system for a free one. */
export const portSchema = z.coerce.number().int().min(0).max(65_535);
