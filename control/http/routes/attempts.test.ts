import { expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { systemRng } from '#agent/kit/rng';
import { findOperation } from '#control/store/operations';
import { freshDatabase } from '#test/support/database';
import { addNode, addSingle, claim, TIMES, transactionOn } from '#test/support/store-fleet';
import { attemptHandlers } from './attempts';

test('reportResult refuses a result that is not of its kind, which agents do not send again', async () => {
  await using fresh = await freshDatabase();
  const { database } = fresh;
  const node = await addNode(database, 'node');
  const id = await addSingle(database);
  const { operation_id, epoch } = present((await claim(database, node)).grants[0], 'grant');
  const { reportResult } = attemptHandlers({
    database,
    times: TIMES,
    rng: systemRng,
    transaction: transactionOn(database),
    wake: () => undefined,
    changed: () => undefined,
  });
  const sent = reportResult({
    params: { operation_id, epoch },
    query: {},
    body: {
      worker_id: node,
      outcome: 'completed',
      result: { metrics: 'none' },
      error: null,
      provenance: null,
    },
    request: new Request('http://127.0.0.1/'),
    signal: new AbortController().signal,
  });
  await expect(sent).rejects.toMatchObject({ code: 'invalid' });
  expect((await findOperation(database.sql, id))?.status).toBe('running');
});
