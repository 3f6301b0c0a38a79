import type { AttemptKey } from '#agent/contract/lease';

/** An attempt on this agent with KTRDR's fields; progress and results are with the control plane. */
export interface HeldOperation {
  operation_id: string;
  operation_type: string;
  status: 'running';
  epoch: number;
  worker_id: string;
  worker_name: string;
}

export function heldOperation(key: AttemptKey, worker: { id: string; name: string }): HeldOperation {
  return {
    operation_id: key.operation_id,
    operation_type: operationType(key.operation_id),
    status: 'running',
    epoch: key.epoch,
    worker_id: worker.id,
    worker_name: worker.name,
  };
}

/** The type that an operation id carries, as `op_backtesting_20260131_235959_1a2b3c4d`. */
export function operationType(operationId: string): string {
  return /^op_([a-z_]+)_\d{8}_/.exec(operationId)?.[1] ?? 'unknown';
}
