import type { RecordedProcess } from '#agent/contract/job';
import { processIdentity } from '#agent/kit/process';
import type { ProcessIdentity } from '#agent/kit/process';

/** As it is written into state files; undefined when the process is gone already. */
export function recordProcess(pid: number): RecordedProcess | undefined {
  const identity = processIdentity(pid);
  if (identity === undefined) return undefined;
  return { pid, start_ticks: identity.startTicks, boot_id: identity.bootId };
}

export function identityOf(recorded: RecordedProcess): ProcessIdentity {
  return { pid: recorded.pid, startTicks: recorded.start_ticks, bootId: recorded.boot_id, exe: null };
}
