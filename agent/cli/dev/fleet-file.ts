import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { processIdentitySchema } from '#agent/contract/job';
import { errorCode, Fault } from '#agent/kit/error';
import { isSameProcess } from '#agent/kit/process';
import { homeDirectory } from '#agent/daemon/settings';
import type { Shell } from '#agent/cli/shell';

const memberSchema = z.object({
  name: z.string(),
  role: z.enum(['control', 'worker']),
  port: z.int(),
  state_dir: z.string(),
  runtime_dir: z.string(),
  cache_dir: z.string(),
  settings_file: z.string(),
  log_file: z.string(),
  process: processIdentitySchema.nullable(),
});
export type FleetMember = z.infer<typeof memberSchema>;

/** `dev.json`: the fleet that `dev up` started, the control plane first. It is gone after `dev down`. */
const fleetSchema = z.object({
  version: z.literal(1),
  directory: z.string(),
  api_url: z.string(),
  token_file: z.string(),
  members: z.array(memberSchema).max(66),
});
export type Fleet = z.infer<typeof fleetSchema>;

/** KTRDR_DEV_DIR, else a directory of the system for root and of the user for others. */
export function fleetDirectory({ environment, uid }: Pick<Shell, 'environment' | 'uid'>): string {
  if (environment.KTRDR_DEV_DIR?.startsWith('/')) return environment.KTRDR_DEV_DIR;
  if (uid === 0) return '/var/lib/ktrdr-dev';
  return join(
    environment.XDG_STATE_HOME || join(homeDirectory({ environment, uid }), '.local/state'),
    'ktrdr-dev',
  );
}

export function fleetFile(directory: string): string {
  return join(directory, 'dev.json');
}

/** Undefined when no fleet was started there, or it was taken down. Fault(environment) when the file is not ours. */
export function readFleet(directory: string): Fleet | undefined {
  const path = fleetFile(directory);
  try {
    return fleetSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT' || errorCode(cause) === 'ENOTDIR' || errorCode(cause) === 'EACCES') {
      return undefined;
    }
    throw new Fault('environment', `Cannot read the fleet of ${path}: it is damaged`, {
      cause,
      hint: `delete ${path}; \`ktrdr-agent dev up\` writes a new one`,
    });
  }
}

/** Renamed into place, so that a reader never sees half of it. */
export function writeFleet(fleet: Fleet): void {
  const path = fleetFile(fleet.directory);
  mkdirSync(fleet.directory, { recursive: true, mode: 0o755 });
  writeFileSync(`${path}.new`, `${JSON.stringify(fleet, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

export function removeFleet(directory: string): void {
  rmSync(fleetFile(directory), { force: true });
}

export function isRunning(member: FleetMember): boolean {
  const { process } = member;
  if (process === null) return false;
  return isSameProcess({ pid: process.pid, startTicks: process.start_ticks, bootId: process.boot_id });
}
