import { controlHealthSchema, workerHealthSchema, type WorkerHealth } from '#agent/contract/fleet';
import type { z } from 'zod';
import { isWildcard, urlHost } from '#agent/kit/ip-address';

export type ControlHealth = z.infer<typeof controlHealthSchema>;

/** Who answers `/health` at an address of this machine. */
export type LocalAnswer =
  | { kind: 'agent'; health: WorkerHealth }
  | { kind: 'control'; health: ControlHealth }
  /** Somebody who is neither, or takes connections and says nothing. */
  | { kind: 'stranger' }
  | { kind: 'nobody' };

const ANSWER_MS_MAX = 1_500;

export async function askLocally(
  { host, port }: { host: string; port: number },
  signal: AbortSignal,
): Promise<LocalAnswer> {
  try {
    const at = isWildcard(host) ? '127.0.0.1' : urlHost(host);
    const response = await fetch(`http://${at}:${port}/health`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
      redirect: 'manual',
      proxy: false,
    });
    const body: unknown = await response.json().catch(() => null);
    const agent = workerHealthSchema.safeParse(body);
    if (agent.success) return { kind: 'agent', health: agent.data };
    const control = controlHealthSchema.safeParse(body);
    return control.success ? { kind: 'control', health: control.data } : { kind: 'stranger' };
  } catch (error) {
    const refused = error instanceof Error && 'code' in error && error.code === 'ConnectionRefused';
    return refused ? { kind: 'nobody' } : { kind: 'stranger' };
  }
}
