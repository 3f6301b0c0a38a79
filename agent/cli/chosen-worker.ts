import type { Worker } from '#agent/contract/worker';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { inspectIdentity, readMachineId } from '#agent/worker/identity';
import { askAgents } from './local-state';
import type { Session } from './session';

const SHOWN_MAX = 12;

/** The agent of a name, label, id or unique beginning of one; without it the one of this machine. */
export async function chosenWorker(session: Session, text: string | undefined): Promise<Worker> {
  const { client, shell } = session;
  const { data: workers } = await client.call('listWorkers', { signal: shell.signal });
  if (text !== undefined) return workerNamed(workers, text);
  const ids = await ownWorkerIds(session);
  const own = workers.filter(({ worker_id }) => ids.includes(worker_id));
  const [first, ...others] = own;
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined) throw ambiguous('the agent of this machine', own);
  const { state_dir, worker_port } = session.settings.values;
  const state = `none of the fleet has its identity in ${state_dir}, or answers at port ${worker_port}`;
  throw new Fault('not_found', `Cannot find the agent of this machine: ${state}`, {
    hint: `name one: ${listed(workers) || 'no agent has registered yet'}`,
  });
}

/** What is exactly so called goes before what only begins so; case does not count, as in host names. */
export function workerNamed(workers: readonly Worker[], text: string): Worker {
  const wanted = text.toLowerCase();
  const namesOf = ({ worker_id, name, label }: Worker): string[] =>
    [worker_id, name, ...(label === null ? [] : [label])].map((each) => each.toLowerCase());
  const exact = workers.filter((worker) => namesOf(worker).includes(wanted));
  const found =
    exact.length > 0
      ? exact
      : workers.filter((worker) => namesOf(worker).some((each) => each.startsWith(wanted)));
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined) throw ambiguous(`'${text}'`, found);
  const suggestion = nearest(text, workers.flatMap(namesOf));
  throw new Fault('not_found', `Cannot find agent '${text.slice(0, 120)}': none is called so`, {
    hint:
      suggestion === undefined
        ? `known are: ${listed(workers) || 'none; start one with ktrdr-agent run'}`
        : `did you mean ${suggestion}?`,
  });
}

function ambiguous(what: string, workers: readonly Worker[]): Fault {
  return new Fault('bad_request', `Cannot choose an agent: ${what} may be ${workers.length} of them`, {
    hint: `name one: ${listed(workers)}`,
  });
}

function listed(workers: readonly Worker[]): string {
  const names = workers
    .slice(0, SHOWN_MAX)
    .map(({ name, label }) => (label === null ? name : `${name} (${label})`));
  return names.join(', ') + (workers.length > SHOWN_MAX ? ', …' : '');
}

/**
 * By the identity in the state directory, where this user may read it: then the agent need not run. Only
 * without one whoever answers at the port is asked.
 */
async function ownWorkerIds({ fleet, settings, shell }: Session): Promise<string[]> {
  const { state_dir, worker_port } = settings.values;
  const members = fleet?.members.filter(({ role }) => role === 'worker') ?? [
    { state_dir, port: worker_port },
  ];
  const machineId = readMachineId();
  const reports = members.map((member) => inspectIdentity(member.state_dir, machineId));
  const ids = reports.flatMap((report) =>
    report.state === 'present' && report.bound !== 'elsewhere' ? [report.workerId] : [],
  );
  if (ids.length > 0) return ids;
  const agents = await askAgents(
    members.map(({ port }) => port),
    shell.signal,
  );
  return agents.flatMap(({ health }) => (health === null ? [] : [health.worker_id]));
}
