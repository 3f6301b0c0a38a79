import { constants } from 'node:fs';
import { open, readdir, readFile, readlink, statfs } from 'node:fs/promises';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { errorCode } from '#agent/kit/error';
import { exec, type ExecResult } from '#agent/kit/exec';
import { ownProgram } from '#agent/kit/own-program';

/** What a probe may read of a machine: the real one, or a recording of it under fixtures/. */
export interface HostReader {
  /** The text of a file; null when there is no such file. Other errors are thrown. */
  readText(path: string): Promise<string | null>;
  /** The filesystem that holds a path; null when the path does not exist. */
  statfs(path: string): Promise<FilesystemSpace | null>;
  /** As Node.js names them: linux, darwin; x64, arm64. */
  readonly platform: string;
  readonly arch: string;
  /** Names in a directory, sorted; null when there is no such directory. */
  list(path: string): Promise<string[] | null>;
  /** What a symbolic link points to; null when there is no such link. */
  readLink(path: string): Promise<string | null>;
  /** Whether a device node can be opened for reading and writing; the error code, such as EPERM, when not. */
  openDevice(path: string): Promise<'opened' | 'missing' | (string & {})>;
  /** Interfaces that are up and have addresses, as Node.js lists them. */
  interfaces(): NodeJS.Dict<NetworkInterfaceInfo[]>;
  /**
   * Runs a program to its end; null when there is none of that name. Other errors are thrown. The name
   * OWN_PROGRAM stands for this program itself, wherever it lies.
   */
  run(argv: readonly string[], options: { timeoutMs: number }): Promise<ExecResult | null>;
}

export interface FilesystemSpace {
  totalBytes: number;
  /** Free for an unprivileged user. */
  availableBytes: number;
}

/** Recordings hold what it printed under this name; the real path differs from machine to machine. */
export const OWN_PROGRAM = 'ktrdr-agent';

/** Asynchronous throughout: a hanging network mount must not stop heartbeats. */
const system: Omit<HostReader, 'run'> = {
  platform: process.platform,
  arch: process.arch,
  readText: (path) => nullWhenMissing(readFile(path, 'utf8')),
  statfs: (path) =>
    nullWhenMissing(
      statfs(path).then(({ bsize, blocks, bavail }) => ({
        totalBytes: blocks * bsize,
        availableBytes: bavail * bsize,
      })),
    ),
  list: (path) => nullWhenMissing(readdir(path).then((names) => names.toSorted())),
  readLink: (path) => nullWhenMissing(readlink(path)),
  openDevice,
  interfaces: networkInterfaces,
};

/** This machine. */
export const systemHost: HostReader = systemHostWith(ownProgram(process.execPath, process.argv[1]));

/** `program` is the command that starts this program: tests run it from source. */
export function systemHostWith(program: readonly string[]): HostReader {
  return { ...system, run: (argv, options) => runProgram(program, argv, options) };
}

async function runProgram(
  own: readonly string[],
  argv: readonly string[],
  { timeoutMs }: { timeoutMs: number },
): Promise<ExecResult | null> {
  const [name = '', ...rest] = argv;
  if (name !== OWN_PROGRAM && Bun.which(name) === null) return null;
  const command = name === OWN_PROGRAM ? [...own, ...rest] : argv;
  return await exec(command, { timeoutMs, maxOutputBytes: OUTPUT_BYTES_MAX });
}

/** Programs that probes ask answer in a few lines. */
const OUTPUT_BYTES_MAX = 64 * 1024;

async function openDevice(path: string): Promise<string> {
  try {
    // Without O_NONBLOCK some devices wait for their other end.
    const device = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    await device.close();
    return 'opened';
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' ? 'missing' : (code ?? 'unknown error');
  }
}

async function nullWhenMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}
