import { expect, test } from 'bun:test';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { mapFile } from './mapped-file';

test('mapFile() shows the bytes of a file that may only be read', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'bytes');
  writeFileSync(path, 'columns');
  chmodSync(path, 0o444);
  expect(Buffer.from(mapFile(path)).toString()).toBe('columns');
});

test('mapFile() of an empty file is empty, and of a missing one a fault', async () => {
  await using folder = await tempDir();
  writeFileSync(join(folder.path, 'empty'), '');
  expect(mapFile(join(folder.path, 'empty')).length).toBe(0);
  expect(() => mapFile(join(folder.path, 'missing'))).toThrow('missing: ENOENT');
});

const noMaps = process.platform !== 'linux';
if (noMaps) console.log('skipped: mappings can be counted on Linux only');
test.skipIf(noMaps)('mapFile() gives the mapping back once nobody refers to it', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'mapped');
  writeFileSync(path, new Uint8Array(1_000_000));
  const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split(path).length - 1;
  let last = mapFile(path);
  for (let i = 0; i < 50; i++) last = mapFile(path);
  expect(last.length).toBe(1_000_000);
  await waitUntil('the garbage collector to unmap', () => {
    Bun.gc(true);
    return mappings() <= 2;
  });
});
