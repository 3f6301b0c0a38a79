import type { Role } from '#agent/contract/settings';
import { systemClock, type Clock } from '#agent/kit/clock';
import { describeError, Fault } from '#agent/kit/error';
import { createLog, type Log } from '#agent/kit/log';
import { systemRng } from '#agent/kit/rng';
import { serviceNotifier, type ServiceNotifier } from '#agent/kit/sd-notify';
import { stopSignals } from './stop-signals';
import type { LoadedSettings } from './settings';
import type { RoleParts } from './worker-role';

/** TimeoutStopSec of the units is longer: after this the rest is dropped, and its files wait. */
const STOP_MS = 25_000;

/**
 * Runs the roles of the settings until a signal ends them, and returns the exit code: 0 after a
 * graceful stop. Starts control before worker and stops in the opposite order. Rejects with the Fault
 * of a role that does not start; what was started is closed first.
 */
export async function runDaemon(settings: LoadedSettings): Promise<number> {
  const log = daemonLog(settings, systemClock);
  for (const { message, hint } of settings.warnings) log.warn(message, { hint });
  const notifier = serviceNotifier(process.env);
  crashOnBugs(log);
  using signals = stopSignals({ log, exit: (code) => process.exit(code) });
  const ended = new AbortController();
  void feedWatchdog(notifier, systemClock, ended.signal);
  const roles = await startRoles(settings, { log, clock: systemClock, rng: systemRng }, signals.stopped);
  if (!signals.stopped.aborted) {
    notifier.notify(`READY=1\nSTATUS=${settings.values.role.join(' and ')} running`);
    await signals.wait;
  }
  notifier.notify('STOPPING=1');
  const code = await stopRoles(roles, { log, clock: systemClock });
  ended.abort();
  return code;
}

interface RunningRole extends AsyncDisposable {
  readonly role: Role;
  /** What comes before closing on a graceful stop. */
  leave(): Promise<void>;
}

async function startRoles(
  settings: LoadedSettings,
  parts: RoleParts,
  stopped: AbortSignal,
): Promise<RunningRole[]> {
  const started: RunningRole[] = [];
  try {
    for (const role of ORDER) {
      if (!settings.values.role.includes(role) || stopped.aborted) continue;
      started.push(await START[role](settings, parts));
    }
    return started;
  } catch (error) {
    for (const role of started.toReversed()) await role[Symbol.asyncDispose]();
    throw error;
  }
}

/** A worker of the same process wants its control plane to be there, and to go after it. */
const ORDER: readonly Role[] = ['control', 'worker'];

/** Loaded only when the role is wanted: an agent has no use for a database driver. */
const START: Record<Role, (settings: LoadedSettings, parts: RoleParts) => Promise<RunningRole>> = {
  control: async (settings, parts) => {
    const { startControl } = await import('./control-role');
    const control = await startControl(settings, parts);
    return {
      role: 'control',
      leave: () => control.leave(),
      [Symbol.asyncDispose]: () => control[Symbol.asyncDispose](),
    };
  },
  worker: async (settings, parts) => {
    const { startWorker } = await import('./worker-role');
    const worker = await startWorker(settings, parts);
    return {
      role: 'worker',
      leave: () => worker.leave(),
      [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
    };
  },
};

async function stopRoles(
  roles: readonly RunningRole[],
  { log, clock }: { log: Log; clock: Clock },
): Promise<number> {
  const over = new AbortController();
  const late = clock.sleep(STOP_MS, over.signal).then((): 'late' => 'late');
  const outcome = await Promise.race([closeAll(roles, log), late]);
  over.abort();
  if (outcome !== 'late') {
    log.info('stopped', { clean: outcome });
    return outcome ? 0 : 1;
  }
  log.error('stopping took too long, leaving now', { after_s: STOP_MS / 1000 });
  return 1;
}

/** False when a role could not be closed; the others are closed all the same. */
async function closeAll(roles: readonly RunningRole[], log: Log): Promise<boolean> {
  let clean = true;
  for (const role of roles.toReversed()) {
    try {
      await role.leave();
    } catch (error) {
      log.error('a role could not give its work back', { role: role.role, reason: describeError(error) });
    }
    try {
      await role[Symbol.asyncDispose]();
    } catch (error) {
      clean = false;
      log.error('a role could not be closed', { role: role.role, reason: describeError(error) });
    }
  }
  return clean;
}

/** To stderr, which systemd keeps: stdout is for what commands print. */
export function daemonLog({ values }: LoadedSettings, clock: Clock): Log {
  return createLog({
    level: values.log_level,
    format: values.log_format,
    write: (line) => void process.stderr.write(`${line}\n`),
    nowMs: () => clock.nowMs(),
  });
}

/** A bug that nobody waits for must not leave a half-working daemon: systemd starts a fresh one. */
function crashOnBugs(log: Log): void {
  const crash = (what: string) => (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    log.error(`crashed: ${what}`, { reason: describeError(error), stack });
    process.exit(new Fault('internal', 'crashed').exitCode);
  };
  process.on('unhandledRejection', crash('a rejection that nobody handled'));
  process.on('uncaughtException', crash('an exception that nobody caught'));
}

/** Fed by the event loop itself, so that a blocked one starves it. */
async function feedWatchdog(notifier: ServiceNotifier, clock: Clock, signal: AbortSignal): Promise<void> {
  if (notifier.watchdogMs === undefined) return;
  while (!signal.aborted) {
    notifier.notify('WATCHDOG=1');
    await clock.sleep(notifier.watchdogMs, signal);
  }
}
