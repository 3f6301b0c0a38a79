import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '#agent/kit/exec';
import { tempDir, type TempDir } from './temp-dir';

/** A real file system of a few megabytes that everyone may write to; unmounted when disposed. */
export async function smallDisk(megabytes: number): Promise<TempDir> {
  const folder = await tempDir('kd-');
  const path = join(folder.path, 'disk');
  await mkdir(path);
  const options = `size=${megabytes}m,mode=0777`;
  const { code, stderr } = await exec(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path], {
    timeoutMs: 10_000,
  });
  if (code !== 0) {
    await folder[Symbol.asyncDispose]();
    throw new Error(`no tmpfs can be mounted: ${stderr.trim()}`);
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await exec(['umount', '--lazy', path], { timeoutMs: 10_000 });
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Whether this machine lets the tests mount one; a test that cannot run says so and is skipped. */
export async function smallDiskMissing(what: string): Promise<boolean> {
  try {
    await using _disk = await smallDisk(1);
    return false;
  } catch (error) {
    console.log(`skipped: ${what}: ${error instanceof Error ? error.message : 'no tmpfs'}`);
    return true;
  }
}
