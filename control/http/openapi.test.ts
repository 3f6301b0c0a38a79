import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { endpoints } from '#agent/contract/endpoints';
import { repository } from '#test/support/source-file';
import { openApiDocument } from './openapi';

const GOLDEN = join(repository, 'test/golden/openapi.txt');

/** What the test looks at in each operation. */
interface Documented {
  security?: unknown;
  responses: Record<string, unknown>;
}

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
  const operations = Object.values(document.paths ?? {}).flatMap((methods): Documented[] =>
    Object.values(methods),
  );
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
