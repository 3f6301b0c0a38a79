import { expect, test } from 'bun:test';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { present } from '#agent/kit/assert';
import { faultOf } from '#test/support/thrown-fault';
import { tempDir } from '#test/support/temp-dir';
import { openKeyring, readKeyring, writeKeyring } from './keyring-file';

const key = (byte: number, length = 32) => Buffer.alloc(length, byte).toString('base64');

test('a keyring is made once, for its user alone, and is the same at the next start', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'keyring.json');
  expect(readKeyring(path)).toBeUndefined();
  const [made] = openKeyring(path);
  expect(made).toHaveLength(32);
  expect(openKeyring(path)).toEqual([made]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder.path)).toEqual(['keyring.json']);
});

test('processes that make one at the same time end up with one', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'keyring.json');
  const script = `import { openKeyring } from '#agent/gossip/driver/keyring-file';
    console.log(Buffer.from(openKeyring(process.argv[1])[0]).toString('hex'));`;
  const children = Array.from({ length: 4 }, () =>
    Bun.spawn([process.execPath, '-e', script, path], {
      cwd: process.cwd(),
      stdout: 'pipe',
      stderr: 'inherit',
    }),
  );
  const keys = await Promise.all(children.map((child) => new Response(child.stdout).text()));
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toHaveLength(65);
});

test('the order is kept: the first key seals', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'keyring.json');
  writeFileSync(path, JSON.stringify([key(1, 16), key(2, 24), key(3)]), { mode: 0o600 });
  const keyring = present(readKeyring(path), 'the keyring');
  expect(keyring.map((each) => [each[0], each.length])).toEqual([
    [1, 16],
    [2, 24],
    [3, 32],
  ]);
  writeKeyring(path, keyring);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual([key(1, 16), key(2, 24), key(3)]);
});

test.each([
  ['no JSON', 'secret', 'not a JSON list'],
  ['no list', '{"key":"x"}', 'not a JSON list'],
  ['an empty list', '[]', 'not a JSON list'],
  ['no base64', '["not base64!"]', 'not a JSON list'],
  ['a short key', JSON.stringify([key(1, 15)]), 'not 16, 24 or 32 bytes'],
  ['too many keys', JSON.stringify(Array.from({ length: 17 }, () => key(1))), 'not a JSON list'],
  ['a huge file', ' '.repeat(17 * 1024), 'larger than'],
])('%s is refused with the path and without a word of the content', async (_, content, state) => {
  await using folder = await tempDir();
  const path = join(folder.path, 'keyring.json');
  writeFileSync(path, content, { mode: 0o600 });
  const fault = faultOf(() => openKeyring(path));
  expect(fault.code).toBe('settings');
  expect(fault.message).toContain(path);
  expect(fault.message).toContain(state);
  expect(`${fault.message} ${fault.hint}`).not.toContain('secret');
  expect(readFileSync(path, 'utf8')).toBe(content);
});

test('a keyring that others may read is refused with the command', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'keyring.json');
  openKeyring(path);
  for (const mode of [0o644, 0o640, 0o602]) {
    chmodSync(path, mode);
    expect(faultOf(() => openKeyring(path)).hint).toBe(`run: chmod 600 ${path}`);
  }
});
