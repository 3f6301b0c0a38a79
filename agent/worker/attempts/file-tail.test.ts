import { expect, test } from 'bun:test';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { FileTail } from './file-tail';

test('FileTail gives whole lines once, in pieces, as the file grows', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'units.ndjson');
  const tail = new FileTail(path);
  expect(tail.read(10)).toEqual([]);
  writeFileSync(path, 'one\ntwo\nthr');
  expect(tail.read(1)).toEqual(['one']);
  expect(tail.read(10)).toEqual(['two']);
  expect(tail.read(10)).toEqual([]);
  appendFileSync(path, 'ee – é\n');
  expect(tail.read(10)).toEqual(['three – é']);
});

test('FileTail reads a file that is larger than what it holds at once', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'units.ndjson');
  const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${'x'.repeat(50)}`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  const tail = new FileTail(path);
  const read: string[] = [];
  for (let next = tail.read(1_000); next.length > 0; next = tail.read(1_000)) read.push(...next);
  expect(read).toEqual(lines);
});
