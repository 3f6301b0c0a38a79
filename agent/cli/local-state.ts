import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workerHealthSchema, type WorkerHealth } from '#agent/contract/fleet';
import { shimStateSchema, type ShimState } from '#agent/contract/job';
import { isSameProcess } from '#agent/kit/process';
import type { Session } from './session';

/** An agent of this machine as it says itself; null when nobody answers at its port. */
export interface LocalAgent {
  url: string;
  health: WorkerHealth | null;
}

/** Without a fleet file: agents of one host count their ports up from that of the settings. */
const PORTS_TRIED = 4;

/** Ports where agents of this machine may answer, and whether they are known or only guessed. */
export function agentPorts({ settings, fleet }: Pick<Session, 'settings' | 'fleet'>): {
  ports: number[];
  guessed: boolean;
} {
  const members = fleet?.members.filter(({ role }) => role === 'worker');
  if (members !== undefined) return { ports: members.map(({ port }) => port), guessed: false };
  const { worker_port } = settings.values;
  return { ports: Array.from({ length: PORTS_TRIED }, (_, index) => worker_port + index), guessed: true };
}

const HEALTH_MS_MAX = 2_000;
const SHIMS_MAX = 4_096;
const STATE_BYTES_MAX = 64 * 1024;

export async function askAgents(ports: readonly number[], signal: AbortSignal): Promise<LocalAgent[]> {
  return await Promise.all(
    ports.map(async (port) => {
      const url = `http://127.0.0.1:${port}`;
      return { url, health: await askHealth(url, signal) };
    }),
  );
}

async function askHealth(url: string, signal: AbortSignal): Promise<WorkerHealth | null> {
  try {
    const response = await fetch(`${url}/health`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS_MAX)]),
      redirect: 'error',
      proxy: false,
    });
    return workerHealthSchema.safeParse(await response.json()).data ?? null;
  } catch {
    // Nobody there, or somebody else: either way not an agent of ours.
    signal.throwIfAborted();
    return null;
  }
}

/** The job processes whose files lie in a runtime directory, those that are dead left out. */
export function runningShims(runtimeDirectory: string): ShimState[] {
  const shims = join(runtimeDirectory, 'shims');
  return entries(shims)
    .slice(0, SHIMS_MAX)
    .map((name) => readShim(join(shims, name, 'state.json')))
    .filter((state) => state !== undefined)
    .filter(({ shim }) =>
      isSameProcess({ pid: shim.pid, startTicks: shim.start_ticks, bootId: shim.boot_id }),
    );
}

function readShim(path: string): ShimState | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return text.length > STATE_BYTES_MAX ? undefined : shimStateSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Being written, being removed, or of another user.
    return undefined;
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
