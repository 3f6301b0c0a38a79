import { isTerminal } from '#agent/contract/operation';
import type { ControlContext } from './context';
import { detailed } from './operation-detail';
import { ticks, type ServerSentEvent } from './sse';

/** The present state of an operation at each change, and `end` once it is over. */
export async function* operationEvents(
  context: ControlContext,
  operationId: string,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent, void> {
  const { changes, clock } = context;
  const level = ticks({
    changes,
    clock,
    signal,
    relevant: (change) =>
      change.type === 'operation' && (change.id === operationId || change.parentId === operationId),
    throttleMs: 250,
    periodMs: 2000,
  });
  let last = '';
  for await (const _ of level) {
    const operation = await detailed(context, operationId);
    const text = JSON.stringify(operation);
    if (text === last) yield 'keep-alive';
    else yield { event: 'operation', data: operation };
    last = text;
    if (isTerminal(operation.status)) {
      yield { event: 'end', data: { operation_id: operationId, status: operation.status } };
      return;
    }
  }
}
