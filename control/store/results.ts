import type { AttemptKey, ResultReport } from '#agent/contract/lease';
import type { OperationError } from '#agent/contract/operation';
import { fence, type Fenced } from './fence';
import { adopt } from './leases';
import { storeTables } from './result-tables';
import { endAttempt, finishParent, requeue, settle } from './requeue';
import { json, type Sql } from './sql';
import { halveBatch } from './halve';

export interface Accepted {
  accepted: boolean;
  duplicate: boolean;
}

export interface ResultContext {
  summarize: (result: Record<string, unknown>) => Record<string, unknown>;
  /** Delay before the next attempt after `attempts` failed or lost ones. */
  retryDelayMs: (attempts: number) => number;
  leaseMs: number;
}

/** Accepts how an attempt ended, once. The caller's transaction holds the operation's lock throughout. */
export async function recordResult(
  sql: Sql,
  key: AttemptKey,
  report: ResultReport,
  context: ResultContext,
): Promise<Accepted> {
  const fenced = await fence(sql, key, report.worker_id);
  if (fenced.state === 'ended') return { accepted: false, duplicate: true };
  const holder = { nodeId: report.worker_id, leaseMs: context.leaseMs };
  const isExpired = fenced.operation.attemptOutcome === 'expired';
  const operation = isExpired ? await adopt(sql, fenced.operation, holder) : fenced.operation;
  switch (report.outcome) {
    case 'completed':
      await complete(sql, operation, report, context);
      break;
    case 'failed':
    case 'crashed':
    case 'timed_out':
      await fail(sql, operation, report, context);
      break;
    case 'cancelled':
    case 'released':
      await requeue(sql, operation, { outcome: report.outcome, error: null, delayMs: 0 });
      break;
    case 'lost':
      await requeue(sql, operation, {
        outcome: 'lost',
        error: stripped(report.error),
        // A node that loses whatever it takes asks again at once: the others must have their turn.
        delayMs: operation.attemptsLost === 0 ? 0 : context.retryDelayMs(operation.attemptsLost),
      });
      break;
  }
  return { accepted: true, duplicate: false };
}

async function complete(
  sql: Sql,
  operation: Fenced,
  report: ResultReport,
  context: ResultContext,
): Promise<void> {
  const missing = (operation.unitTo ?? 0) - (operation.unitFrom ?? 0) - operation.unitsDone;
  if (missing > 0) {
    const message = `it ended without the results of ${missing} of its units`;
    const error = { code: 'internal', message, retryable: true };
    await fail(sql, operation, { ...report, outcome: 'failed', error }, context);
    return;
  }
  const result = report.result ?? {};
  const kept = await storeTables(sql, operation, result);
  await endAttempt(sql, operation, { outcome: 'completed', error: null });
  await sql`
    update operation set status = 'completed', completed_at = now(), result = ${json(sql, kept)},
      result_summary = ${json(sql, context.summarize(result))},
      provenance = ${report.provenance === null ? null : json(sql, report.provenance)}
    where operation_id = ${operation.operationId}`;
  if (operation.parentId !== null) await finishParent(sql, operation.parentId);
}

async function fail(
  sql: Sql,
  operation: Fenced,
  report: ResultReport,
  context: ResultContext,
): Promise<void> {
  const error = stripped(report.error) ?? { code: 'internal', message: `the attempt ${report.outcome}` };
  const outcome = report.outcome === 'completed' ? 'failed' : report.outcome;
  const retryable = report.outcome !== 'failed' || (report.error?.retryable ?? false);
  if (operation.cancelRequestedAt !== null) {
    await requeue(sql, operation, { outcome, error, delayMs: 0 });
    return;
  }
  if (report.outcome === 'crashed' && (await halveBatch(sql, operation))) {
    await endAttempt(sql, operation, { outcome, error });
    return;
  }
  const attempts = operation.attemptsFailed + 1;
  if (retryable && attempts < operation.attemptsMax) {
    await requeue(sql, operation, { outcome, error, delayMs: context.retryDelayMs(attempts) });
    return;
  }
  await endAttempt(sql, operation, { outcome, error });
  await sql`update operation set attempts_failed = ${attempts} where operation_id = ${operation.operationId}`;
  await settle(sql, operation, { status: 'failed', error });
}

function stripped(error: ResultReport['error']): OperationError | null {
  if (error === null) return null;
  return error.hint === undefined
    ? { code: error.code, message: error.message }
    : { code: error.code, message: error.message, hint: error.hint };
}
