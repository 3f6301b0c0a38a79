import { readFile, readlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SETTINGS } from '#agent/contract/settings';
import { loadSettings, type LoadedSettings } from '#agent/daemon/settings';
import { flagName } from '#agent/kit/config';

/**
 * The settings that a running service was started with, by its own arguments and environment; null
 * where they are not for this user to read (/proc/<pid>/environ, proc_pid_environ(5)).
 */
export async function settingsOfProcess(pid: number, uid: number): Promise<LoadedSettings | null> {
  try {
    const [cmdline, environ, cwd] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile(`/proc/${pid}/environ`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
    ]);
    const { settings, ...flags } = parseRunFlags(cmdline.split('\0'));
    return loadSettings({
      environment: Object.fromEntries(environ.split('\0').map(entryOf)),
      uid,
      flags,
      ...(settings === undefined ? {} : { settingsPath: resolve(cwd, settings) }),
    });
  } catch {
    // Not ours to read, or of a version with other settings: either way not known.
    return null;
  }
}

/** Flags of `ktrdr-agent run` by the name of their setting; `settings` is the file. */
export function parseRunFlags(argv: readonly string[]): Record<string, string> {
  const names = new Map(Object.keys(SETTINGS).map((name) => [flagName(name), name]));
  names.set('--settings', 'settings');
  const words = argv.slice(argv.indexOf('run') + 1);
  const flags: Record<string, string> = {};
  for (const [index, word] of words.entries()) {
    const [flag, value] = word.includes('=') ? entryOf(word) : [word, undefined];
    const name = names.get(flag);
    if (name === undefined) continue;
    const next = words[index + 1];
    // A flag without a value is a switch.
    flags[name] = value ?? (next === undefined || next === '' || next.startsWith('--') ? 'true' : next);
  }
  return flags;
}

function entryOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}
