import { expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { addNode, addSingle, claim } from '#test/support/store-fleet';
import { LOG_LINES_MAX, readLogs, recordLogs } from './logs';

describeOnEachServer('logs', (server) => {
  test('recordLogs() keeps a line once, and says once that lines beyond the limit are not kept', async () => {
    await using fresh = await freshDatabase(server);
    const { database } = fresh;
    const worker_id = await addNode(database, 'node');
    const id = await addSingle(database);
    const grant = present((await claim(database, worker_id)).grants[0], 'a grant');
    const line = (seq: number) => ({
      seq,
      at: '2026-01-01T00:00:00Z',
      stream: 'stdout' as const,
      line: `line ${seq}`,
    });
    const send = (...seqs: number[]) =>
      database.sql.begin((sql) => recordLogs(sql, grant, { worker_id, lines: seqs.map(line) }));

    await send(0, 1);
    await send(1, 2);
    await send(LOG_LINES_MAX - 1, LOG_LINES_MAX, LOG_LINES_MAX + 1);
    await send(LOG_LINES_MAX + 2);
    const kept = await readLogs(database.sql, id, 0, 100);
    expect(kept.map(({ seq }) => seq)).toEqual([0, 1, 2, LOG_LINES_MAX - 1, LOG_LINES_MAX]);
    expect(kept.at(-1)).toMatchObject({ stream: 'system', line: expect.stringContaining('not kept') });
  });
});
