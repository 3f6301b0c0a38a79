import type { Operation } from '#agent/contract/operation';
import { isTerminal, operationSchema } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import type { ServerEvent } from '#agent/client/event-parser';
import type { Session } from './session';

export interface WatchOptions {
  operationId: string;
  /** Hears of an outage of the control plane, and of undefined when it answers (again). */
  onConnection: (fault: Fault | undefined) => void;
}

const POLL_MS = 2_000;
const OUTAGE_MS_MAX = 15 * 60_000;

/**
 * The states of an operation up to its last one, by server-sent events, or by polling where a proxy
 * swallows those. An outage of the control plane is survived for up to 15 minutes. Throws the
 * signal's reason when the shell is told to stop.
 */
export async function* watchOperation(session: Session, options: WatchOptions): AsyncGenerator<Operation> {
  try {
    yield* fromEvents(session, options);
  } catch (error) {
    // Only a stream that is none is replaced: a refusal or an outage would meet the poll as well.
    if (!(error instanceof Fault) || error.code !== 'environment') throw error;
    yield* fromPolls(session, options);
  }
}

async function* fromEvents({ client, shell }: Session, options: WatchOptions): AsyncGenerator<Operation> {
  const events = client.events('streamOperation', {
    params: { operation_id: options.operationId },
    signal: shell.signal,
    outageMsMax: OUTAGE_MS_MAX,
    onConnection: options.onConnection,
  });
  for await (const event of events) {
    const operation = operationOf(event);
    if (operation === undefined) continue;
    yield operation;
    if (isTerminal(operation.status)) return;
  }
  shell.signal.throwIfAborted();
}

async function* fromPolls({ client, shell }: Session, options: WatchOptions): AsyncGenerator<Operation> {
  const { clock, signal } = shell;
  const params = { operation_id: options.operationId };
  for (let aliveMs = clock.bootMs(); ;) {
    try {
      const { data: operation } = await client.call('getOperation', { params, signal });
      aliveMs = clock.bootMs();
      options.onConnection(undefined);
      yield operation;
      if (isTerminal(operation.status)) return;
    } catch (error) {
      if (!(error instanceof Fault) || !error.retryable) throw error;
      if (clock.bootMs() - aliveMs > OUTAGE_MS_MAX) throw error;
      options.onConnection(error);
    }
    await clock.sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}

function operationOf({ event, data }: ServerEvent): Operation | undefined {
  if (event !== 'operation' && event !== 'end') return undefined;
  try {
    return operationSchema.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}
