import { summarizeCapabilities } from '#agent/contract/capability';
import type { Attempt, Operation, Progress } from '#agent/contract/operation';
import type { Worker } from '#agent/contract/worker';
import { JOB_KINDS } from '#agent/jobs/registry';
import type { AttemptRow, OperationRow } from '#control/store/operations';
import type { NodeRow } from '#control/store/nodes';
import { judge } from '#control/schedule/fleet';
import type { VerdictBasis } from '#control/schedule/verdict';

/** A row of the store as KTRDR's fields. */
export function operationOnWire(row: OperationRow): Operation {
  return {
    operation_id: row.operationId,
    operation_type: row.kind,
    status: row.status,
    priority: row.priority,
    progress: progressOf(row),
    metadata: { ...row.metadata, parameters: row.parameters },
    created_at: row.createdAt,
    started_at: row.startedAt,
    completed_at: row.completedAt,
    cancel_requested_at: row.cancelRequestedAt,
    error_message: row.error?.message ?? null,
    error: row.error,
    warnings: row.warnings,
    result_summary: row.resultSummary,
    parent_operation_id: row.parentId,
    worker_id: row.status === 'pending' || row.status === 'resuming' ? null : row.nodeId,
    worker_name: row.status === 'pending' || row.status === 'resuming' ? null : row.nodeName,
    epoch: row.epoch,
    attempts_failed: row.attemptsFailed,
    attempts_lost: row.attemptsLost,
    provenance: row.provenance,
    waiting_reason: null,
  };
}

export function attemptOnWire(row: AttemptRow): Attempt {
  return {
    epoch: row.epoch,
    worker_id: row.nodeId,
    worker_name: row.nodeName,
    granted_at: row.grantedAt,
    ended_at: row.endedAt,
    outcome: row.outcome,
    error: row.error,
  };
}

export function workerOnWire(row: NodeRow, times: VerdictBasis): Worker {
  const judged = judge(row, times);
  const usable = judged.state === 'ready' || judged.state === 'degraded';
  const busy = row.leases.length >= row.slots;
  const leases = row.leases.map(({ operationId, epoch }) => ({ operation_id: operationId, epoch }));
  return {
    worker_id: row.nodeId,
    name: row.name,
    label: row.label,
    worker_type: JOB_KINDS.map((kind) => kind.name),
    endpoint_url: row.endpointUrl,
    status: !usable ? 'temporarily_unavailable' : busy ? 'busy' : 'available',
    verdict: judged,
    gossip: times.gossip?.(row.nodeId) ?? null,
    draining: drainOnWire(row),
    current_operation_id: leases[0]?.operation_id ?? null,
    operations: leases,
    slots: row.slots,
    capabilities: summarizeCapabilities(row.capabilities),
    facts: row.capabilities,
    load: row.load,
    version: row.version,
    registered_at: row.registeredAt,
    last_healthy_at: row.heartbeatAt,
  };
}

function drainOnWire({ drainingReason, drainingSince, drainingBy }: NodeRow): Worker['draining'] {
  if (drainingReason === null || drainingSince === null) return null;
  return { reason: drainingReason, since: drainingSince, by: drainingBy };
}

/** Units tell the progress of what has units; otherwise the latest report of the attempt does. */
function progressOf(row: OperationRow): Progress {
  const total =
    row.unitsTotal ?? (row.unitFrom !== null && row.unitTo !== null ? row.unitTo - row.unitFrom : null);
  if (total === null) return finished(row, row.progress ?? EMPTY);
  const rate = row.unitsDone > 0 && row.runningForMs ? row.unitsDone / row.runningForMs : null;
  const left = total - row.unitsDone;
  return finished(row, {
    ...EMPTY,
    percentage: total === 0 ? 100 : Math.min(100, (100 * row.unitsDone) / total),
    current_step: row.status === 'running' ? 'evaluating units' : null,
    items_processed: row.unitsDone,
    items_total: total,
    eta_seconds: rate === null || row.status !== 'running' ? null : left / rate / 1000,
  });
}

function finished(row: OperationRow, progress: Progress): Progress {
  if (row.status !== 'completed') return progress;
  const items = progress.items_total ?? progress.items_processed;
  return { ...progress, percentage: 100, items_processed: items, current_step: null, eta_seconds: 0 };
}

const EMPTY: Progress = {
  percentage: 0,
  current_step: null,
  steps_completed: 0,
  steps_total: 0,
  items_processed: 0,
  items_total: null,
  current_item: null,
  eta_seconds: null,
};
