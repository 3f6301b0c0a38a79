import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { shimStateSchema } from '#agent/contract/job';
import { readJsonFile, shimFiles } from '#agent/worker/attempt-files';
import { identityOf } from '#agent/worker/recorded-process';
import type { Clock } from '#agent/kit/clock';
import { isSameProcess, killTree, processIdentity, waitForExit } from '#agent/kit/process';
import { SHIM_VARIABLE } from './job-environment';

/**
 * Ends a shim and all that ran below it: by the identities it recorded, and by the mark in their
 * environment those that left its session. False when something is still alive after `timeoutMs`.
 */
export async function endLeftovers(
  shimDir: string,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<boolean> {
  const state = readJsonFile(shimFiles(shimDir).state, shimStateSchema);
  const recorded = [state?.shim, state?.workload].flatMap((process) =>
    process ? [identityOf(process)] : [],
  );
  const deadlineMs = clock.bootMs() + timeoutMs;
  const alive = (): boolean => recorded.some(isSameProcess) || markedProcesses(basename(shimDir)).length > 0;
  do {
    for (const identity of recorded) if (isSameProcess(identity)) killTree(identity, 'SIGKILL');
    // The shim first in the list above: it would otherwise replace a workload that was killed.
    for (const pid of markedProcesses(basename(shimDir))) {
      const identity = processIdentity(pid);
      if (identity !== undefined) killTree(identity, 'SIGKILL');
    }
    for (const identity of recorded) await waitForExit(identity, { clock, timeoutMs: 500 });
    if (!alive()) return true;
    await clock.sleep(20);
  } while (clock.bootMs() < deadlineMs);
  return !alive();
}

/** Pids whose environment at their start named this shim; processes of other users cannot be read. */
export function markedProcesses(shimId: string): number[] {
  if (process.platform !== 'linux') return [];
  const mark = `\0${SHIM_VARIABLE}=${shimId}\0`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => `\0${readEnvironment(pid)}`.includes(mark))
    .map(Number);
}

function readEnvironment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}
