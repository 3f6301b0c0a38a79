import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '#agent/kit/log';
import { tempDir } from '#test/support/temp-dir';
import { readRemembered, writeRemembered } from './remembered';

const life = {
  name: 'a',
  incarnation: 7,
  times: { member: 3, event: 2, query: 1 },
  members: [{ host: '10.0.0.1', port: 7946 }],
};

test('a life is remembered by its own name alone, and not more than 64 members of it', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'worker.json');
  expect(readRemembered(path, 'a', silentLog)).toBeUndefined();
  writeRemembered(path, life);
  expect(readRemembered(path, 'a', silentLog)).toEqual(life);
  expect(readRemembered(path, 'b', silentLog)).toBeUndefined();
  const members = Array.from({ length: 1000 }, (_, index) => ({ host: `10.0.${index >> 8}.1`, port: index }));
  writeRemembered(path, { ...life, members });
  expect(readRemembered(path, 'a', silentLog)?.members).toHaveLength(64);
});

test.each(['', '{', '[]', '{"name":"a"}', '{"name":"a","incarnation":-1,"times":{},"members":[]}'])(
  'a file with %j is as none, and the node starts',
  async (content) => {
    await using folder = await tempDir();
    const path = join(folder.path, 'worker.json');
    writeFileSync(path, content);
    expect(readRemembered(path, 'a', silentLog)).toBeUndefined();
  },
);
