import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '#agent/kit/error';
import { tryLock, type FileLock } from '#agent/kit/flock';

/** One dev command at a time changes a fleet. Fault(in_use) while another does. */
export function lockFleet(directory: string): FileLock {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new Fault('environment', `Cannot use ${directory}: this user may not make it`, {
      cause,
      hint: 'choose another with --dir or KTRDR_DEV_DIR',
    });
  }
  const lock = tryLock(join(directory, 'dev.lock'));
  if (lock !== undefined) return lock;
  throw new Fault('in_use', `Cannot change the fleet of ${directory}: another dev command is at work on it`, {
    hint: 'wait for it, then try again',
  });
}
