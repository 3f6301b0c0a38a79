import { mkdirSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { ShimOptions } from '#agent/contract/job';
import { replaceFile, shimFiles } from '#agent/worker/attempt-files';
import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { jobEnvironment } from './job-environment';
import { endLeftovers } from './leftovers';
import { ShimLink } from './shim-link';

export interface SpawnOptions {
  shimsDir: string;
  command: readonly string[];
  options: ShimOptions;
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
}

const START_MS = 15_000;

/** Starts a shim in a session of its own, which the agent's end does not end, and connects to it. */
export async function spawnShim({ shimsDir, command, options, ...rest }: SpawnOptions): Promise<ShimLink> {
  const { clock, environment } = rest;
  const shimId = crypto.randomUUID().slice(0, 8);
  const shimDir = join(shimsDir, shimId);
  mkdirSync(shimDir, { mode: 0o700 });
  const files = shimFiles(shimDir);
  replaceFile(files.options, JSON.stringify(options), { durable: false });
  const stderr = openSync(files.stderr, 'a', 0o600);
  try {
    const child = Bun.spawn([...command, shimDir], {
      cwd: shimDir,
      env: jobEnvironment(environment, shimId),
      stdio: ['ignore', 'ignore', stderr],
      detached: true,
    });
    child.unref();
    return await connectToNew(shimDir, {
      clock,
      isAlive: () => child.exitCode === null && child.signalCode === null,
    });
  } catch (error) {
    await endLeftovers(shimDir, { clock, timeoutMs: 2_000 });
    throw error;
  } finally {
    closeSync(stderr);
  }
}

/** Asks again and again: the socket appears when the shim is ready. */
async function connectToNew(
  shimDir: string,
  { clock, isAlive }: { clock: Clock; isAlive: () => boolean },
): Promise<ShimLink> {
  const deadlineMs = clock.bootMs() + START_MS;
  const signal = AbortSignal.timeout(START_MS);
  for (;;) {
    try {
      return await ShimLink.connect(shimDir, signal);
    } catch (cause) {
      if (!isAlive())
        throw new Fault('unavailable', `Cannot start a shim in ${shimDir}: it ended at once`, { cause });
      if (clock.bootMs() >= deadlineMs) throw cause;
      await clock.sleep(10);
    }
  }
}
