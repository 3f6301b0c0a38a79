import { Fault } from '#agent/kit/error';
import { unknownWorker } from '#control/schedule/claim';
import { findNode, forgetNode, lockNode, type NodeRow } from '#control/store/nodes';
import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';

type ForgetContext = Pick<ControlContext, 'transaction' | 'times' | 'changes' | 'log'>;

export function workerForgetHandlers({
  transaction,
  times,
  changes,
  log,
}: ForgetContext): Pick<Handlers, 'forgetWorker'> {
  return {
    async forgetWorker({ params: { worker_id } }) {
      const { name, isNews } = await transaction(async (sql) => {
        // A registration, a heartbeat and a grant wait for this, and then find that it is forgotten.
        await lockNode(sql, worker_id);
        const row = await findNode(sql, worker_id);
        if (row !== undefined) requireGone(row, times.leaseMs);
        const known = await forgetNode(sql, worker_id);
        if (known === undefined) throw unknownWorker(worker_id);
        return { name: known, isNews: row !== undefined };
      });
      if (isNews) {
        log.info('worker forgotten', { worker: name, worker_id });
        changes.emit({ type: 'worker', id: worker_id });
      }
      return { success: true, data: { worker_id, name } };
    },
  };
}

/** Fault(conflict) for a node that may still be there, or whose work nobody else has been given yet. */
function requireGone({ name, heartbeatAgeMs, stoppedAgeMs, leases }: NodeRow, leaseMs: number): void {
  const [held] = leases;
  if (held !== undefined) {
    const more = leases.length === 1 ? '' : ` and ${leases.length - 1} more`;
    throw new Fault('conflict', `Cannot forget ${name}: it holds ${held.operationId}${more}`, {
      hint: `wait until its leases have run out, or ktrdr-agent cancel --force ${held.operationId}`,
    });
  }
  if (heartbeatAgeMs > leaseMs) return;
  const state = stoppedAgeMs === null ? 'it is there' : 'it has only just stopped';
  const ageS = Math.max(0, Math.round(heartbeatAgeMs / 1000));
  const stop = stoppedAgeMs === null ? 'stop it on its machine, then wait' : 'wait';
  throw new Fault('conflict', `Cannot forget ${name}: ${state}, its last heartbeat came ${ageS} s ago`, {
    hint: `${stop} until it was not heard of for ${Math.ceil(leaseMs / 1000)} s`,
  });
}
