import { expect, test } from 'bun:test';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '#test/support/source-file';
import { tempDir } from '#test/support/temp-dir';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

test('a build from a copy of the checkout elsewhere is equal byte for byte', async () => {
  const child = Bun.spawn([process.execPath, 'installers/build.ts', '--check'], {
    cwd: repository,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/: two builds are equal, SHA-256 [0-9a-f]{64}\n$/);
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
