import { readFile } from 'node:fs/promises';
import type { NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, Fault, isFaultCode } from '#agent/kit/error';
import { systemHost, type HostReader } from '#agent/probes/host';

/** What of a machine is not a file: the optional `host.json` of a recording. */
export const recordedSchema = z.strictObject({
  platform: z.string().default('linux'),
  arch: z.string().default('x64'),
  /** Directory → names; the recording's own directory, where it has one, holds only what was read. */
  lists: z.record(z.string(), z.array(z.string())).default({}),
  links: z.record(z.string(), z.string()).default({}),
  /** Device node → "opened" or the error code. */
  devices: z.record(z.string(), z.string()).default({}),
  interfaces: z.record(z.string(), z.array(z.any())).default({}),
  /** Command line, joined by spaces → its outcome. */
  commands: z
    .record(z.string(), z.strictObject({ code: z.int(), stdout: z.string(), stderr: z.string() }))
    .default({}),
  /** "readText /path", "run a command" → code of the error that came instead of an answer. */
  errors: z.record(z.string(), z.string()).default({}),
  /** Settings that the machine's probes were given and that change what they read. */
  targets: z
    .strictObject({
      gpuLibraryDirectory: z.string().optional(),
      libraryDirectory: z.string().optional(),
      onnxruntimeDirectory: z.string().optional(),
    })
    .default({}),
});
export type Recorded = z.infer<typeof recordedSchema>;

const spaces = z.record(z.string(), z.strictObject({ totalBytes: z.int(), availableBytes: z.int() }));

/**
 * A machine recorded under `directory`: files at the paths that probes read, `statfs.json` for its
 * filesystems, `host.json` for the rest.
 */
export async function recordedHost(directory: string): Promise<HostReader> {
  const recorded = await readRecorded(directory);
  const answer = <T>(question: string, known: () => T | Promise<T>): Promise<T> => {
    const code = recorded.errors[question];
    if (code === undefined) return Promise.resolve(known());
    const message = `Cannot ${question}: ${code}`;
    const fault = isFaultCode(code) ? new Fault(code, message) : Object.assign(new Error(message), { code });
    return Promise.reject(fault);
  };
  return {
    platform: recorded.platform,
    arch: recorded.arch,
    readText: (path) => answer(`readText ${path}`, () => systemHost.readText(join(directory, path))),
    statfs: (path) =>
      answer(`statfs ${path}`, async () => {
        const known = spaces.parse(await readJson(join(directory, 'statfs.json')));
        return known[path] ?? null;
      }),
    list: (path) =>
      answer(
        `list ${path}`,
        async () => recorded.lists[path] ?? (await systemHost.list(join(directory, path))),
      ),
    readLink: (path) => answer(`readLink ${path}`, () => recorded.links[path] ?? null),
    openDevice: (path) => Promise.resolve(recorded.devices[path] ?? 'missing'),
    interfaces: () => recorded.interfaces as NodeJS.Dict<NetworkInterfaceInfo[]>,
    run: (argv) => answer(`run ${argv.join(' ')}`, () => recorded.commands[argv.join(' ')] ?? null),
  };
}

export async function readRecorded(directory: string): Promise<Recorded> {
  return recordedSchema.parse(await readJson(join(directory, 'host.json')));
}

/** A machine on which there is nothing to be found, for tests to add to. */
export const emptyHost: HostReader = {
  platform: 'linux',
  arch: 'x64',
  readText: () => Promise.resolve(null),
  statfs: () => Promise.resolve(null),
  list: () => Promise.resolve(null),
  readLink: () => Promise.resolve(null),
  openDevice: () => Promise.resolve('missing'),
  interfaces: () => ({}),
  run: () => Promise.resolve(null),
};

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw error;
  }
}
