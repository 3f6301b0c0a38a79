import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemHost, type HostReader } from './host';

const spaces = z.record(z.string(), z.strictObject({ totalBytes: z.int(), availableBytes: z.int() }));

/** A machine recorded as files under `directory`; `statfs.json` there holds its filesystems. For tests. */
export function recordedHost(directory: string): HostReader {
  return {
    readText: (path) => systemHost.readText(join(directory, path)),
    statfs: async (path) => {
      const recorded = await readFile(join(directory, 'statfs.json'), 'utf8');
      return spaces.parse(JSON.parse(recorded))[path] ?? null;
    },
  };
}
