import { jobKindNamed } from '#agent/jobs/registry';
import { placementNodes } from '#control/schedule/fleet';
import { submit } from '#control/schedule/submit';
import type { ControlContext } from '#control/http/context';
import { rowOf } from '#control/http/operation-rows';
import type { Handlers } from '#control/http/route';
import { operationOnWire } from '#control/http/wire';

/** Submissions: one path for each job kind, as KTRDR has them. */
export function workHandlers(context: ControlContext): Pick<Handlers, 'startBacktest' | 'startSweep'> {
  return { startBacktest: start(context, 'backtesting'), startSweep: start(context, 'sweep') };
}

function start(context: ControlContext, kindName: string): Handlers['startBacktest'] {
  const { database, clock, sweeper, times } = context;
  return async ({ body, query }) => {
    const submission = {
      kind: jobKindNamed(kindName),
      parameters: body,
      idempotencyKey: query.idempotency_key ?? null,
      wait: query.wait,
      priority: query.priority ?? null,
    };
    const id = await submit(submission, {
      pinBars: (request) => context.barsFiles.pin(request),
      nodes: () => placementNodes(database.sql, times),
      warmingUp: sweeper.heldForMs > 0,
      transaction: context.transaction,
      nowMs: () => clock.nowMs(),
    });
    context.changed(id, null);
    context.wake();
    return { success: true, data: operationOnWire(await rowOf(context, id)) };
  };
}
