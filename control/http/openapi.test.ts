import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import { endpoints } from '#agent/contract/endpoints';
import { repository } from '#test/support/source-file';
import { openApiDocument } from './openapi';

const GOLDEN = join(repository, 'test/golden/openapi.txt');

/** What the test looks at in each operation. */
const documented = z.object({ security: z.unknown(), responses: z.record(z.string(), z.unknown()) });

/** The document without what differs between builds. */
function stable(): string {
  const document = structuredClone(openApiDocument());
  document.info.version = 'VERSION';
  const { paths, ...rest } = document;
  // One line an operation: short enough to keep, fine enough to see what changed.
  const lines = Object.entries(paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, row]) => `${method} ${path} ${JSON.stringify(row)}`),
  );
  return `${[JSON.stringify(rest), ...lines].join('\n')}\n`;
}

test('openApiDocument() has every endpoint of the contract, with its permission and its problem', () => {
  const document = openApiDocument();
  const methods = z.record(z.string(), z.record(z.string(), documented)).parse(document.paths);
  const operations = Object.values(methods).flatMap((path) => Object.values(path));
  expect(document.openapi).toBe('3.1.0');
  expect(operations).toHaveLength(Object.keys(endpoints).length);
  for (const operation of operations) {
    expect(operation.security).toEqual([{ token: [] }]);
    expect(Object.keys(operation.responses)).toEqual(['200', 'default']);
  }
});

test('openApiDocument() equals its golden: a change of the API is seen in review', async () => {
  if (process.env['UPDATE_GOLDEN'] === '1') await Bun.write(GOLDEN, stable());
  expect(stable()).toBe(await Bun.file(GOLDEN).text());
});
