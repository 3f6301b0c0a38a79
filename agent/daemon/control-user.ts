import { chown, mkdir } from 'node:fs/promises';
import { errorCode, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { dropPrivileges, lookupUser } from '#agent/kit/process';

/** What a control plane started as root becomes when the user of `run_as` does not exist. */
const FALLBACK_USER = 'nobody';

/**
 * Makes this process the user of `run_as` when it is root, after giving that user the directories. The
 * control plane needs nothing of root, and PostgreSQL refuses to run as root.
 */
export async function becomeControlUser(
  runAs: string,
  directories: { setting: string; path: string; mode: number }[],
  log: Log,
): Promise<void> {
  const user = process.getuid?.() === 0 ? (lookupUser(runAs) ?? lookupUser(FALLBACK_USER)) : undefined;
  if (process.getuid?.() === 0 && user === undefined) {
    throw new Fault('environment', `Cannot start the control plane as root: there is no user ${runAs}`, {
      hint: `useradd --system ${runAs}, or set run_as to an existing user`,
    });
  }
  for (const { setting, path, mode } of directories) {
    try {
      await mkdir(path, { recursive: true, mode });
      if (user !== undefined) await chown(path, user.uid, user.gid);
    } catch (cause) {
      throw unusable(setting, path, cause);
    }
  }
  if (user === undefined) return;
  if (lookupUser(runAs) === undefined)
    log.warn('there is no such user, running as another', { run_as: runAs, user: FALLBACK_USER });
  dropPrivileges(user.uid, user.gid);
  process.env['HOME'] = user.home;
}

function unusable(setting: string, path: string, cause: unknown): Fault {
  const code = errorCode(cause) ?? 'it failed';
  if (code === 'ENOSPC') {
    return new Fault('disk_full', `Cannot make ${path}: the disk is full`, {
      cause,
      hint: 'free some space',
    });
  }
  return new Fault('environment', `Cannot use ${path}: ${code}`, {
    cause,
    hint: `set ${setting} to a directory that this user may write`,
  });
}
