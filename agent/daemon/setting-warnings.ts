import { contradictedParts, DATABASE_PARTS } from '#agent/contract/database-parts';
import { OWN_NAMES, SEED_NAMES } from '#agent/contract/seed-names';
import { SETTINGS, type SettingsValues } from '#agent/contract/settings';
import type { Environment, Setting } from '#agent/kit/config';
import { Fault } from '#agent/kit/error';
import { editDistance, nearest } from '#agent/kit/nearest';

/** Something in the environment that is not read as its author may think. Nothing is stopped by it. */
export interface SettingWarning {
  /** The environment name. */
  name: string;
  /** A sentence without the value, which may be a secret. */
  message: string;
  hint: string | null;
}

/** Every environment name that some setting reads, with the setting. */
export const READ_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries<Setting>(SETTINGS).flatMap(([setting, { env, composed }]) =>
    [...env, ...(composed?.env ?? [])].map((name) => [name, setting] as const),
  ),
);

/**
 * Names of the seeds that nothing reads, with their replacement; names that look like ours and are
 * not, with a suggestion: warnings and no errors, since the environment of a service outlives
 * versions in both directions, and a fleet must not stop over a name. Throws Fault(settings) where
 * going on would mean another database than the one that was meant.
 */
export function settingWarnings(environment: Environment, values: SettingsValues): SettingWarning[] {
  const names = Object.keys(environment)
    .filter((name) => environment[name] !== undefined && environment[name] !== '')
    .toSorted();
  return [
    ...names.flatMap((name) => warningOf(name, environment[name] ?? '')),
    ...databaseWarnings(environment, values),
  ];
}

function warningOf(name: string, value: string): SettingWarning[] {
  if (READ_NAMES.has(name) || Object.hasOwn(OWN_NAMES, name)) return [];
  const seed = Object.hasOwn(SEED_NAMES, name) ? SEED_NAMES[name] : undefined;
  if (seed !== undefined) {
    if (seed.kind === 'other') return [];
    const risk = seed.risk?.value.test(value.trim()) === true ? seed.risk.says : undefined;
    const message = `${name} is not read: ${risk ?? seed.answer}`;
    return [{ name, message, hint: risk === undefined ? null : seed.answer }];
  }
  if (name.startsWith('KTRDR_') && !name.startsWith('KTRDR_TEST_')) return [unknownName(name)];
  return name.startsWith('WORKER_') && misspelt(name) ? [unknownName(name)] : [];
}

function unknownName(name: string): SettingWarning {
  const suggestion = nearest(name, [...READ_NAMES.keys(), ...Object.keys(OWN_NAMES)]);
  return {
    name: name.slice(0, 100),
    message: `${name.slice(0, 100)} is not read: this version has no such setting`,
    hint:
      suggestion === undefined
        ? '`ktrdr-agent config --json` lists every name'
        : `did you mean ${suggestion}?`,
  };
}

/** WORKER_ is not ours alone: only what is nearly one of our names is taken for a mistake. */
function misspelt(name: string): boolean {
  if (name.length > NAME_LENGTH_MAX) return false;
  return [...READ_NAMES.keys()].some((known) => editDistance(name, known) <= LETTERS_WRONG_MAX);
}

const NAME_LENGTH_MAX = 60;
const LETTERS_WRONG_MAX = 2;

function databaseWarnings(environment: Environment, values: SettingsValues): SettingWarning[] {
  const parts = DATABASE_PARTS.filter((part) => environment[part]);
  if (parts.length === 0) return [];
  const name = parts.join(', ');
  const isAre = parts.length === 1 ? 'is' : 'are';
  if (!values.role.includes('control')) {
    const message = `${name} ${isAre} not used: an agent needs no database`;
    return [{ name, message, hint: 'remove it from this machine, above all DB_PASSWORD' }];
  }
  if (values.database_url === undefined) {
    const message = `${name} ${isAre} not read without DB_HOST: the control plane runs its own PostgreSQL`;
    return [{ name, message, hint: 'set DB_HOST as well, or DATABASE_URL instead' }];
  }
  // A flag goes before the environment by the general rule: only two variables contradict each other.
  if (environment.DATABASE_URL !== values.database_url) return [];
  const contradicted = contradictedParts(values.database_url, environment);
  if (contradicted.length === 0) return [];
  throw new Fault(
    'settings',
    `Cannot choose the database: database_url and ${contradicted.join(', ')} say different things`,
    { hint: 'set DATABASE_URL or the DB_ names, not both' },
  );
}
