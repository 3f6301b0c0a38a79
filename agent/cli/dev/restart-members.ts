import type { Role } from '#agent/contract/settings';
import { Fault } from '#agent/kit/error';
import { isSameProcess, waitForExit } from '#agent/kit/process';
import { identityOf } from '#agent/worker/recorded-process';
import type { Shell } from '#agent/cli/shell';
import { isRunning, readFleet, writeFleet, type Fleet, type FleetMember } from './fleet-file';
import { lockFleet } from './fleet-lock';
import { startMember } from './member-process';
import { waitUntilReady } from './readiness';

const DEATH_MS_MAX = 10_000;

/**
 * Replaces the members of these roles by new processes, and starts those that do not run. They end as
 * in a crash, so that nothing is given back: PostgreSQL and the job processes go on, and are found
 * again. Returns who was started, undefined when there is no fleet. Fault when one does not come up.
 */
export async function restartMembers(
  directory: string,
  roles: ReadonlySet<Role>,
  shell: Shell,
): Promise<FleetMember[] | undefined> {
  using _lock = lockFleet(directory);
  const fleet = readFleet(directory);
  if (fleet === undefined) return undefined;
  const members = fleet.members.filter((member) => roles.has(member.role) || !isRunning(member));
  await Promise.all(members.map((member) => kill(member, shell)));
  for (const member of members) start(fleet, member, shell);
  for (const member of members) await waitUntilReady(member, shell);
  return members;
}

async function kill({ name, process: recorded }: FleetMember, { clock }: Shell): Promise<void> {
  if (recorded === null) return;
  const identity = identityOf(recorded);
  // Not its tree: the job processes below it are to live.
  if (isSameProcess(identity)) process.kill(identity.pid, 'SIGKILL');
  if (await waitForExit(identity, { clock, timeoutMs: DEATH_MS_MAX })) return;
  throw new Fault('environment', `Cannot restart ${name}: process ${identity.pid} does not end`, {
    hint: 'a process in disk wait cannot be killed; the next change tries again',
  });
}

function start(fleet: Fleet, member: FleetMember, { environment }: Shell): void {
  member.process = startMember(member, environment);
  writeFleet(fleet);
}
