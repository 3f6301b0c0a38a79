import { readFileSync } from 'node:fs';
import { Fault } from '#agent/kit/error';
import { SETTINGS_PATH, type LoadedSettings } from '#agent/daemon/settings';
import type { ClientFlags } from '#agent/cli/command';
import type { Fleet } from '#agent/cli/dev/fleet-file';
import { effectiveSettings } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';

/** The settings as far as they can be used, and everything that is wrong with them. */
export interface SettingsReading {
  settings: LoadedSettings;
  fleet: Fleet | undefined;
  faults: Fault[];
  /** Nobody says where directories are, since HOME is not set: those that were not named are made up. */
  homeless: boolean;
}

interface Attempt {
  environment: Record<string, string | undefined>;
  /** What is used instead of the file; undefined: the file itself. */
  content: Record<string, unknown> | undefined;
}

const FAULTS_MAX = 32;
const NOWHERE = '/nonexistent';

/**
 * Loads the settings as every other command does. Where they refuse one, the culprit is left out and
 * the rest is tried again, so that all faults are found at once and the other checks have settings.
 */
export function readSettings(shell: Pick<Shell, 'environment' | 'uid'>, flags: ClientFlags): SettingsReading {
  const faults: Fault[] = [];
  let homeless = false;
  let attempt: Attempt = { environment: { ...shell.environment }, content: undefined };
  while (faults.length < FAULTS_MAX) {
    const outcome = tryLoad(shell.uid, flags, attempt);
    if (!(outcome instanceof Fault)) return { ...outcome, faults, homeless };
    faults.push(outcome);
    const next = outcome.message.includes('HOME is not set')
      ? { ...attempt, environment: { ...attempt.environment, HOME: NOWHERE } }
      : withoutCulprit(shell.uid, flags, { attempt, fault: outcome });
    if (next === undefined) break;
    homeless ||= next.environment['HOME'] === NOWHERE;
    attempt = next;
  }
  const bare = effectiveSettings({ uid: shell.uid, environment: { HOME: NOWHERE } }, {}, () => undefined);
  return { ...bare, faults, homeless: true };
}

function tryLoad(uid: number, flags: ClientFlags, { environment, content }: Attempt) {
  const readFile = content === undefined ? undefined : () => JSON.stringify(content);
  try {
    return effectiveSettings({ uid, environment }, flags, readFile);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** All but the first thing without which this fault is gone; undefined when it is not in file or environment. */
function withoutCulprit(
  uid: number,
  flags: ClientFlags,
  { attempt, fault }: { attempt: Attempt; fault: Fault },
): Attempt | undefined {
  const file = attempt.content ?? fileContent(flags, attempt.environment) ?? {};
  const candidates: Attempt[] = [
    ...Object.keys(file).map((key) => ({ ...attempt, content: without(file, key) })),
    ...Object.keys(attempt.environment).map((name) => ({
      content: attempt.content ?? file,
      environment: without(attempt.environment, name),
    })),
    // A file that is no mapping at all, or cannot be read.
    { ...attempt, content: {} },
  ];
  return candidates.find((candidate) => {
    const outcome = tryLoad(uid, flags, candidate);
    return !(outcome instanceof Fault) || outcome.message !== fault.message;
  });
}

function without<T>(values: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}

/** Undefined where there is no file, or it holds no mapping: then the fault is about the whole of it. */
function fileContent(
  flags: ClientFlags,
  environment: Attempt['environment'],
): Record<string, unknown> | undefined {
  try {
    const path = flags.settings ?? (environment['KTRDR_SETTINGS'] || SETTINGS_PATH);
    const parsed: unknown = Bun.YAML.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? { ...parsed }
      : undefined;
  } catch {
    return undefined;
  }
}
