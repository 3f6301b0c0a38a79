/**
 * The one way a test waits: on a level that stays true, never on an edge or for a while.
 * Polls until `condition` gives something other than false, null or undefined, and returns that.
 * A condition that throws counts as not yet true.
 * @param what completes "Waited 5000 ms for …" in the error, which also shows the last value or error.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 5_000, everyMs = 20 }: WaitOptions = {},
): Promise<Level<T>> {
  const deadlineMs = performance.now() + timeoutMs;
  let last: string;
  do {
    const reading = await read(condition);
    if ('level' in reading && isReached(reading.level)) return reading.level;
    last = 'level' in reading ? show(reading.level) : `error ${show(reading.error)}`;
    await Bun.sleep(everyMs);
  } while (performance.now() < deadlineMs);
  throw new Error(`Waited ${timeoutMs} ms for ${what}; last value: ${last}`);
}

export interface WaitOptions {
  timeoutMs?: number;
  everyMs?: number;
}

/** What a condition is once it holds. */
export type Level<T> = Exclude<T, false | null | undefined>;

async function read<T>(condition: () => T | Promise<T>): Promise<{ level: T } | { error: unknown }> {
  try {
    return { level: await condition() };
  } catch (error) {
    return { error };
  }
}

function isReached<T>(level: T): level is Level<T> {
  return level !== false && level !== null && level !== undefined;
}

function show(value: unknown): string {
  return Bun.inspect(value, { depth: 4 }).slice(0, 2_000);
}
