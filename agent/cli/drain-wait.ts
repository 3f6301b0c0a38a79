import type { Worker } from '#agent/contract/worker';
import { Fault } from '#agent/kit/error';
import { plural } from './figures';
import type { Session } from './session';

const POLL_MS = 1_000;
const OUTAGE_MS_MAX = 15 * 60_000;

/**
 * Until a draining agent holds nothing any more; returns it as it is then. An outage of the control
 * plane is survived for up to 15 minutes. Throws Fault(conflict) when somebody ends the drain, and the
 * signal's reason when the shell is told to stop: the drain itself goes on.
 */
export async function waitUntilDrained(session: Session, drained: Worker): Promise<Worker> {
  const { client, output, shell } = session;
  const { clock, signal } = shell;
  using line = output.progress();
  const params = { worker_id: drained.worker_id };
  const total = drained.operations.length;
  let worker = drained;
  for (let aliveMs = clock.bootMs(); worker.operations.length > 0;) {
    const left = worker.operations.length;
    const done = Math.max(0, total - left);
    const note = `${plural(left, 'operation')} left on ${worker.name}`;
    line.show({ fraction: total === 0 ? 1 : done / total, done, total, note });
    await clock.sleep(POLL_MS, signal);
    signal.throwIfAborted();
    try {
      worker = (await client.call('getWorker', { params, signal })).data;
      aliveMs = clock.bootMs();
    } catch (error) {
      if (!(error instanceof Fault) || !error.retryable) throw error;
      if (clock.bootMs() - aliveMs > OUTAGE_MS_MAX) throw error;
    }
    if (worker.draining === null) throw undrained(worker);
  }
  return worker;
}

function undrained({ name }: Worker): Fault {
  return new Fault('conflict', `Cannot wait for ${name}: its drain was ended meanwhile`, {
    hint: `ktrdr-agent drain ${name} --reason … begins another one`,
  });
}
