import { expect, test } from 'bun:test';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '#test/support/source-file';
import { tempDir } from '#test/support/temp-dir';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

test('two builds of one tree are equal byte for byte', async () => {
  const [first, second] = [await buildAnew(), await buildAnew()];
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(second).toBe(first);
}, 120_000);

test('the binary alone runs in an empty folder, as an unprivileged user, without an environment', async () => {
  await using folder = await tempDir();
  const binary = join(folder.path, 'ktrdr-agent');
  await copyFile(join(repository, 'dist/ktrdr-agent'), binary);
  const child = Bun.spawn([binary, 'version'], {
    cwd: folder.path,
    env: {},
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect([await child.exited, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/\d+\.\d+\.\d+/);
});

/** Hash of a binary built into a folder that goes away again. */
async function buildAnew(): Promise<string> {
  await using folder = await tempDir();
  const child = Bun.spawn([process.execPath, 'installers/build.ts', '--folder', folder.path], {
    cwd: repository,
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const [code, stderr] = await Promise.all([child.exited, child.stderr.text()]);
  expect([code, stderr]).toEqual([0, '']);
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const chunk of Bun.file(join(folder.path, 'ktrdr-agent')).stream()) hasher.update(chunk);
  return hasher.digest('hex');
}
