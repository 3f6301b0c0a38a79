import type { Operation } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { operationIdOf } from './operation-id';
import type { Session } from './session';

/** The operation of an id; without one the newest backtest or sweep that completed. */
export async function chosenOperation(session: Session, id: string | undefined): Promise<Operation> {
  const { client, shell } = session;
  if (id !== undefined) {
    const params = { operation_id: await operationIdOf(session, id) };
    return (await client.call('getOperation', { params, signal: shell.signal })).data;
  }
  const query = { status: 'completed' as const, limit: 100 };
  const { data } = await client.call('listOperations', { query, signal: shell.signal });
  const newest = data.find(({ operation_type: kind }) => kind === 'sweep' || kind === 'backtesting');
  if (newest !== undefined) return newest;
  throw new Fault('not_found', 'Cannot choose an operation: no backtest and no sweep has completed', {
    hint: 'name one of `ktrdr-agent ops`, or run one: ktrdr-agent sweep sma_cross SPX 1d',
  });
}
