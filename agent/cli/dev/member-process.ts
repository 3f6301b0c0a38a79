import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { SETTINGS } from '#agent/contract/settings';
import type { RecordedProcess } from '#agent/contract/job';
import { Fault } from '#agent/kit/error';
import { ownProgram } from '#agent/kit/own-program';
import { recordProcess } from '#agent/worker/recorded-process';
import type { FleetMember } from './fleet-file';

const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** Starts a member in a session of its own, its output in its log file: it outlives this command. */
export function startMember(
  member: FleetMember,
  environment: Readonly<Record<string, string | undefined>>,
): RecordedProcess {
  rotate(member.log_file);
  const log = openSync(member.log_file, 'a', 0o644);
  try {
    const child = Bun.spawn(
      [...ownProgram(process.execPath, process.argv[1]), 'run', '--settings', member.settings_file],
      {
        cwd: '/',
        env: memberEnvironment(environment),
        stdin: 'ignore',
        stdout: log,
        stderr: log,
        detached: true,
      },
    );
    child.unref();
    const identity = recordProcess(child.pid);
    if (identity !== undefined) return identity;
    throw new Fault('environment', `Cannot start ${member.name}: it ended at once`, {
      hint: `see ${member.log_file}`,
    });
  } finally {
    closeSync(log);
  }
}

/** The last lines that a member wrote, for the error that says it did not start. */
export function logTail(member: FleetMember, lines: number): string[] {
  try {
    const size = statSync(member.log_file).size;
    const text = size > LOG_BYTES_MAX ? '' : readFileSync(member.log_file, 'utf8');
    return text.trimEnd().split('\n').slice(-lines);
  } catch {
    return [];
  }
}

/** What a person may set for a fleet in the shell; every other setting is in the member's file alone. */
const PASSED_ON = new Set([
  'KTRDR_HEARTBEAT',
  'KTRDR_JOB_IDLE',
  'KTRDR_LEASE',
  'KTRDR_RUN_AS',
  'LOG_FORMAT',
  'LOG_LEVEL',
]);

export function memberEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const names = Object.values(SETTINGS).flatMap(({ env }): readonly string[] => env);
  const dropped = new Set([
    ...names.filter((name) => !PASSED_ON.has(name)),
    'KTRDR_SETTINGS',
    // systemd would take the members for the service that started this command.
    'NOTIFY_SOCKET',
    'WATCHDOG_PID',
    'WATCHDOG_USEC',
  ]);
  const kept = Object.entries(environment).filter(([name]) => !dropped.has(name));
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A log starts anew with the process when it has grown large; one older one is kept. */
function rotate(path: string): void {
  try {
    if (statSync(path).size < LOG_BYTES_MAX / 4) return;
    rmSync(`${path}.1`, { force: true });
    renameSync(path, `${path}.1`);
  } catch {
    // There is none yet.
  }
}
