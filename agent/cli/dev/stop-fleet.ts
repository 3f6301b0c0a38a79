import { join } from 'node:path';
import { findPostmaster, stopPostmaster } from '#control/store/embedded/postmaster';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { isSameProcess, killTree, waitForExit, type ProcessIdentity } from '#agent/kit/process';
import { identityOf } from '#agent/worker/recorded-process';
import { runningShims } from '#agent/cli/local-state';
import type { Output } from '#agent/cli/output';
import type { Shell } from '#agent/cli/shell';
import { isRunning, readFleet, removeFleet, type FleetMember } from './fleet-file';
import { lockFleet } from './fleet-lock';

export interface StopReport {
  stopped: string[];
  /** Members that did not stop in time, and job processes that had lost their agent. */
  killed: string[];
}

export interface StopOptions {
  directory: string;
  shell: Shell;
  output: Output;
}

/** Longer than the 25 s that an agent takes at most to give its work back. */
const STOP_MS_MAX = 30_000;
const DEATH_MS_MAX = 5_000;

/**
 * Stops the fleet: agents give their work back first, then the control plane with its database, then
 * whatever of both is left. Safe to repeat. Fault(environment) when something cannot be stopped.
 */
export async function stopFleet({ directory, shell, output }: StopOptions): Promise<StopReport> {
  const report: StopReport = { stopped: [], killed: [] };
  const stop = { shell, report };
  using _lock = lockFleet(directory);
  const fleet = readFleet(directory);
  if (fleet === undefined) {
    output.note(`No fleet was started in ${directory}.`);
    return report;
  }
  const control = fleet.members.filter(({ role }) => role === 'control');
  const agents = fleet.members.filter(({ role }) => role === 'worker');
  await stopAgents(agents, stop);
  await Promise.all(control.map((member) => stopMember(member, stop)));
  for (const member of control) await stopOrphanDatabase(member, stop);
  verifyNothingLeft(fleet.members);
  removeFleet(directory);
  const { stopped, killed } = report;
  if (stopped.length > 0) output.line(`Stopped ${stopped.join(', ')}.`);
  if (killed.length > 0) output.line(`Killed ${killed.join(', ')}.`);
  if (stopped.length + killed.length === 0) output.line('Nothing was running.');
  return report;
}

/** Stops agents of a fleet that goes on: they give their work back. Fault(environment) as `stopFleet`. */
export async function stopMembers(agents: readonly FleetMember[], shell: Shell): Promise<void> {
  await stopAgents(agents, { shell, report: { stopped: [], killed: [] } });
  verifyNothingLeft(agents);
}

async function stopAgents(agents: readonly FleetMember[], stop: Stop): Promise<void> {
  await Promise.all(agents.map((member) => stopMember(member, stop)));
  for (const { shim, shim_id } of agents.flatMap(({ runtime_dir }) => runningShims(runtime_dir))) {
    await end(`job process ${shim_id} (its agent was gone)`, identityOf(shim), stop);
  }
}

interface Stop {
  shell: Shell;
  report: StopReport;
}

async function stopMember(member: FleetMember, stop: Stop): Promise<void> {
  if (member.process === null || !isRunning(member)) return;
  const identity = identityOf(member.process);
  // A member that was stopped with SIGSTOP hears nothing before it goes on.
  for (const signal of ['SIGTERM', 'SIGCONT'] as const) signalProcess(identity, signal);
  if (await waitForExit(identity, { clock: stop.shell.clock, timeoutMs: STOP_MS_MAX })) {
    stop.report.stopped.push(member.name);
    return;
  }
  await end(member.name, identity, stop);
}

async function end(name: string, identity: ProcessIdentity, { shell, report }: Stop): Promise<void> {
  killTree(identity, 'SIGKILL');
  await waitForExit(identity, { clock: shell.clock, timeoutMs: DEATH_MS_MAX });
  report.killed.push(name);
}

function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    if (isSameProcess(identity)) process.kill(identity.pid, signal);
  } catch {
    // It ended in between.
  }
}

/** A control plane that was killed leaves its server to the next one; there will be none. */
async function stopOrphanDatabase(member: FleetMember, { shell, report }: Stop): Promise<void> {
  const socket = join(member.runtime_dir, 'pg');
  const directories = {
    state: member.state_dir,
    data: join(member.state_dir, 'postgres'),
    socket,
    socketPath: join(socket, '.s.PGSQL.5432'),
    cache: member.cache_dir,
  };
  const postmaster = await findPostmaster(directories);
  if (postmaster === undefined) return;
  await stopPostmaster(postmaster, directories, { clock: shell.clock, log: silentLog });
  report.stopped.push('PostgreSQL');
}

function verifyNothingLeft(members: readonly FleetMember[]): void {
  const left = [
    ...members.filter(isRunning).map(({ name, process }) => `${name} (pid ${process?.pid})`),
    ...members
      .flatMap(({ runtime_dir }) => runningShims(runtime_dir))
      .map(({ shim }) => `job process ${shim.pid}`),
  ];
  if (left.length === 0) return;
  throw new Fault('environment', `Cannot stop the fleet: ${left.join(', ')} is still there`, {
    hint: 'a process in disk wait cannot be killed: try again, as the user who started the fleet',
  });
}
