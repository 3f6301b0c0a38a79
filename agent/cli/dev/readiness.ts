import { z } from 'zod';
import { controlHealthSchema, workerHealthSchema } from '#agent/contract/fleet';
import { Fault } from '#agent/kit/error';
import type { Shell } from '#agent/cli/shell';
import { isRunning, type FleetMember } from './fleet-file';
import { logTail } from './member-process';

/** The first start makes a database; a slow disk takes its time. */
const READY_MS_MAX = 90_000;
const POLL_MS = 50;
const LOG_LINES = 10;

/** Waits until a member answers and, if it is an agent, has reached the control plane. */
export async function waitUntilReady(member: FleetMember, shell: Shell): Promise<void> {
  const { clock, signal } = shell;
  const deadlineMs = clock.bootMs() + READY_MS_MAX;
  for (let state = 'it does not answer'; ;) {
    if (!isRunning(member)) throw notReady(member, 'it ended');
    const reading = await readiness(member);
    if (reading === undefined) return;
    state = reading;
    if (clock.bootMs() > deadlineMs) throw notReady(member, `after ${READY_MS_MAX / 1000} s ${state}`);
    await clock.sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}

function notReady(member: FleetMember, state: string): Fault {
  const tail = logTail(member, LOG_LINES);
  const shown = tail.length === 0 ? '' : ` Its last lines:\n${tail.join('\n')}`;
  return new Fault('unavailable', `Cannot start ${member.name}: ${state}`, {
    hint: `see ${member.log_file}.${shown}`,
    details: { member: member.name, log_file: member.log_file, log: tail },
  });
}

const healthSchema = z.union([controlHealthSchema, workerHealthSchema]);

/** Undefined when ready, else what is missing. */
async function readiness(member: FleetMember): Promise<string | undefined> {
  try {
    const init = { signal: AbortSignal.timeout(2_000), proxy: false as const };
    const response = await fetch(`http://127.0.0.1:${member.port}/health`, init);
    const { data: health } = healthSchema.safeParse(await response.json());
    if (health === undefined) return 'something else answers at its port';
    if (!health.healthy) return 'it is not healthy';
    if (health.service === 'ktrdr-agent-control' || health.control_plane.reachable) return undefined;
    return `it does not reach the control plane: ${health.control_plane.reason ?? 'not yet asked'}`;
  } catch {
    return 'it does not answer';
  }
}
