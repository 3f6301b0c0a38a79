import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from '#agent/kit/error';

export const NVML_LIBRARY = 'libnvidia-ml.so.1';
export const CUDA_LIBRARY = 'libcuda.so.1';

/** Windows brings its own libraries into WSL; a distribution's beside them are the wrong ones. */
export const WSL_LIBRARIES = '/usr/lib/wsl/lib';

/**
 * Where drivers, distributions and container runtimes put the libraries, best first. Absolute paths, since
 * what the dynamic linker would find depends on LD_LIBRARY_PATH and on a cache that may be stale.
 */
export function libraryDirectories(arch: string): string[] {
  const multiarch = arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return [
    WSL_LIBRARIES,
    // Injected by container runtimes on clouds, in front of what an image brings along.
    '/usr/local/nvidia/lib64',
    '/usr/local/nvidia/lib',
    `/usr/lib/${multiarch}`,
    // Debian's own place; the directory above has links to it.
    `/usr/lib/${multiarch}/nvidia/current`,
    `/lib/${multiarch}`,
    '/usr/lib64',
    '/usr/lib64/nvidia',
    '/lib64',
    '/usr/lib',
    '/usr/lib/nvidia',
    // NixOS
    '/run/opengl-driver/lib',
  ];
}

export interface LibraryFile {
  path: string;
  /** Of the file behind the links, whose name ends with the driver's version; null without one. */
  version: string | null;
}

/** The first of the directories that has the library; undefined when none has. */
export function findLibrary(name: string, directories: readonly string[]): LibraryFile | undefined {
  for (const directory of directories) {
    const path = join(directory, name);
    try {
      const [, version = null] = /\.so\.(\d+\.\d[\d.]*)$/.exec(basename(realpathSync(path))) ?? [];
      return { path, version };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
    }
  }
  return undefined;
}
