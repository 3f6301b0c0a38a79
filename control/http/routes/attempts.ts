import { ZodError } from 'zod';
import { jobKindNamed } from '#agent/jobs/registry';
import { backoffDelayMs } from '#agent/kit/retry';
import { recordLogs } from '#control/store/logs';
import { findOperation, recordProgress } from '#control/store/operations';
import { recordResult } from '#control/store/results';
import { recordUnits } from '#control/store/units';
import type { ControlContext } from '#control/http/context';
import { invalidInput } from '#control/http/error-map';
import type { Handlers } from '#control/http/route';

type AttemptHandlers = Pick<Handlers, 'reportProgress' | 'reportUnits' | 'reportLogs' | 'reportResult'>;

const RETRY = { delayMsMin: 1000, delayMsMax: 60_000 };

type AttemptContext = Pick<ControlContext, 'database' | 'transaction' | 'times' | 'rng' | 'wake' | 'changed'>;

export function attemptHandlers(context: AttemptContext): AttemptHandlers {
  const { database, times, rng, wake, changed } = context;
  return {
    async reportProgress({ params, body }) {
      await context.transaction((sql) => recordProgress(sql, params, body));
      changed(params.operation_id, null);
      return { success: true, data: { accepted: true, duplicate: false } };
    },

    async reportUnits({ params, body }) {
      const { inserted, parentId } = await context.transaction((sql) =>
        recordUnits(sql, params, body, times),
      );
      changed(params.operation_id, parentId);
      return { success: true, data: { accepted: true, duplicate: inserted === 0 } };
    },

    async reportLogs({ params, body }) {
      await context.transaction((sql) => recordLogs(sql, params, body));
      changed(params.operation_id, null);
      return { success: true, data: { accepted: true, duplicate: false } };
    },

    async reportResult({ params, body }) {
      const before = await findOperation(database.sql, params.operation_id);
      const accepted = await context.transaction((sql) =>
        recordResult(sql, params, body, {
          summarize: (result) => (before ? summarize(before.kind, result) : {}),
          retryDelayMs: (attempts) => backoffDelayMs(RETRY, attempts, rng),
          leaseMs: times.leaseMs,
        }),
      );
      changed(params.operation_id, before?.parentId ?? null);
      wake();
      return { success: true, data: accepted };
    },
  };
}

/** Throws Fault `invalid` for a result that is not of its kind, as one of another version may be. */
function summarize(kind: string, result: Record<string, unknown>): Record<string, unknown> {
  try {
    return jobKindNamed(kind).summarize(result);
  } catch (cause) {
    throw cause instanceof ZodError ? invalidInput(`the result of this ${kind}`, cause) : cause;
  }
}
