import { afterAll, beforeAll, expect, test } from 'bun:test';
import { present } from '#agent/kit/assert';
import { describeOnEachServer, freshDatabase, type FreshDatabase } from '#test/support/database';
import { addNode, addSingle, claim } from '#test/support/store-fleet';
import { readLogs, recordLogs } from './logs';
import { findOperation } from './operations';
import { recordResult } from './results';
import { json } from './sql';

describeOnEachServer('text that jobs print', (server) => {
  let fresh: FreshDatabase;
  const database = () => fresh.database;
  beforeAll(async () => {
    fresh = await freshDatabase(server);
  });
  afterAll(() => fresh[Symbol.asyncDispose]());

  test('json() replaces only what PostgreSQL cannot store', async () => {
    const cases: readonly [given: string, stored: string][] = [
      ['plain \\u0000 of six characters', 'plain \\u0000 of six characters'],
      ['\\\\u0000 \\', '\\\\u0000 \\'],
      ['a\0b', 'a\uFFFDb'],
      ['\\\0', '\\\uFFFD'],
      ['pair 😀', 'pair 😀'],
      ['cut \uD83D', 'cut \uFFFD'],
      ['\uDE00 rest', '\uFFFD rest'],
      ['\u0001\u001B\u2028', '\u0001\u001B\u2028'],
    ];
    for (const [given, stored] of cases) {
      const [row] = await database().sql<{ value: unknown }[]>`
        select ${json(database().sql, { text: given, [given]: 1 })}::jsonb as value`;
      expect(row?.value).toEqual({ text: stored, [stored]: 1 });
    }
  });

  test('a crash whose last words hold NUL and half a character ends its operation', async () => {
    const node = await addNode(database(), 'node');
    const id = await addSingle(database(), { attemptsMax: 1 });
    const grant = present((await claim(database(), node)).grants[0], 'grant');
    const line = { seq: 0, at: new Date().toISOString(), stream: 'stderr', line: 'a\0b' } as const;
    await database().sql.begin((sql) => recordLogs(sql, grant, { worker_id: node, lines: [line] }));
    const error = { code: 'crashed', message: 'it died\na\0b\uD83D', retryable: true };
    const report = { worker_id: node, outcome: 'crashed', result: null, error, provenance: null } as const;
    const context = { summarize: () => ({}), retryDelayMs: () => 0, leaseMs: 30_000 };
    await database().sql.begin((sql) => recordResult(sql, grant, report, context));
    const row = present(await findOperation(database().sql, id), id);
    expect(row).toMatchObject({ status: 'failed', error: { message: 'it died\na\uFFFDb\uFFFD' } });
    expect((await readLogs(database().sql, id, 0, 10)).map((log) => log.line)).toEqual(['a\uFFFDb']);
  });

  test('text outside of JSON that cannot be stored is the fault of the input', async () => {
    const asked = async () => await database().sql`select ${'a\0b'}::text`;
    await expect(asked()).rejects.toMatchObject({ code: 'invalid' });
  });
});
