import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '#agent/contract/settings';
import { VERDICTS } from '#agent/contract/worker';
import { repository } from '#test/support/source-file';

/** The commands of the page are run on a real fleet by test/system/gossip-cli.test.ts. */
const text = readFileSync(join(repository, 'docs/gossip.md'), 'utf8');

test('every setting and environment name of the page is one of the table', () => {
  const known = new Set(Object.entries(SETTINGS).flatMap(([name, { env }]): string[] => [name, ...env]));
  const used = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+|[a-z]+(?:_[a-z]+)+)(?:=[^`]*)?`/g)].map(
    ([, name = '']) => name,
  );
  expect(used.length).toBeGreaterThan(12);
  for (const name of used) expect(known).toContain(name);
});

test('each verdict but draining, which is not about gossip, has its line', () => {
  for (const verdict of VERDICTS.filter((one) => one !== 'draining'))
    expect(text).toContain(`\n| ${verdict} |`);
});
