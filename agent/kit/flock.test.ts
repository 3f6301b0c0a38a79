import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { readLockHolder, tryLock } from './flock';
import { isSameProcess } from './process';

const isLinux = process.platform === 'linux';

test('tryLock() is exclusive, also within one process, until released', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'lock');
  const lock = tryLock(path);
  expect(lock?.path).toBe(path);
  expect(tryLock(path)).toBeUndefined();
  expect(readLockHolder(path)?.pid).toBe(process.pid);
  lock?.release();
  lock?.release();
  expect(readLockHolder(path)).toBeUndefined();
  {
    using again = tryLock(path);
    expect(again).toBeDefined();
  }
  {
    await using again = tryLock(path);
    expect(again).toBeDefined();
  }
  tryLock(path)?.release();
});

test('tryLock() names the file that cannot be opened', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'missing', 'lock');
  expect(() => tryLock(path)).toThrow(`Cannot open the lock file ${path}: ENOENT`);
  expect(() => tryLock(folder.path)).toThrow('EISDIR');
});

test('readLockHolder() is undefined for what is no holder', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'lock');
  expect(readLockHolder(path)).toBeUndefined();
  for (const text of ['', '{', '{"pid":0}', '[]', 'x'.repeat(10_000)]) {
    writeFileSync(path, text);
    expect(readLockHolder(path)).toBeUndefined();
  }
});

test.skipIf(!isLinux)('a holder that is killed loses its lock, though a child of it lives on', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'lock');
  const code = `
    import { tryLock } from ${JSON.stringify(join(import.meta.dir, 'flock.ts'))};
    const lock = tryLock(${JSON.stringify(path)});
    const child = Bun.spawn(['sleep', '60'], { detached: true, stdio: ['ignore', 'ignore', 'ignore'] });
    console.log(lock === undefined ? 'refused' : child.pid);
    setInterval(() => lock, 1000);`;
  const holder = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' });
  let childPid: number | undefined;
  try {
    const { value } = await holder.stdout.getReader().read();
    childPid = Number(new TextDecoder().decode(value));
    expect(childPid).toBeGreaterThan(1);
    expect(tryLock(path)).toBeUndefined();
    const written = readLockHolder(path);
    expect(written?.pid).toBe(holder.pid);
    expect(written && isSameProcess(written)).toBe(true);
    holder.kill('SIGKILL');
    await holder.exited;
    using lock = await waitUntil('the lock of a dead holder', () => tryLock(path));
    expect(lock.path).toBe(path);
    expect(process.kill(childPid, 0)).toBe(true);
  } finally {
    holder.kill('SIGKILL');
    if (childPid !== undefined && childPid > 1) process.kill(childPid, 'SIGKILL');
  }
});
