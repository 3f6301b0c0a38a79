import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '#agent/kit/exec';
import { tempDir } from './temp-dir';

const SOURCE = join(import.meta.dir, 'fake-nvidia.c');
const COMPILER = ['cc', 'gcc', 'clang'].find((name) => Bun.which(name) !== null);

/** Why the fake driver cannot be had on this machine; undefined where it can. */
export const noFakeNvidia: string | undefined =
  process.platform !== 'linux'
    ? 'the fake NVIDIA driver is built for Linux only'
    : COMPILER === undefined
      ? 'the fake NVIDIA driver needs a C compiler (cc, gcc or clang)'
      : undefined;

/** NVIDIA's two libraries as fake-nvidia.c has them, of "driver" 550.54.15. */
export interface FakeNvidia extends AsyncDisposable {
  /** What `gpu_library_dir` is set to. */
  readonly directory: string;
  /** From now on, for processes that run too; the keys are described in fake-nvidia.c. */
  control(levels: Record<string, number>): Promise<void>;
}

export async function fakeNvidia(levels: Record<string, number> = {}): Promise<FakeNvidia> {
  const folder = await tempDir('kg-');
  const control = async (to: Record<string, number>): Promise<void> => {
    const lines = Object.entries(to).map(([key, value]) => `${key} ${value}\n`);
    // Renamed into its place: a process that reads meanwhile sees the old or the new levels, whole.
    await Bun.write(join(folder.path, 'control.new'), lines.join(''));
    await rename(join(folder.path, 'control.new'), join(folder.path, 'control'));
  };
  await control(levels);
  for (const name of ['libnvidia-ml.so', 'libcuda.so']) {
    const file = `${name}.550.54.15`;
    const argv = [COMPILER ?? 'cc', '-O1', '-shared', '-fPIC', '-o', join(folder.path, file), SOURCE];
    const { code, stderr } = await exec([...argv, '-ldl'], { timeoutMs: 30_000 });
    if (code !== 0) throw new Error(`Cannot compile the fake NVIDIA driver: ${stderr}`);
    await symlink(file, join(folder.path, `${name}.1`));
  }
  return { directory: folder.path, control, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
