import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeFileDurably } from '#agent/kit/durable-file';
import { describeError, errorCode } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';

const MEMBERS_MAX = 64;

const rememberedSchema = z.object({
  name: z.string(),
  incarnation: z.int().nonnegative(),
  times: z.object({ member: z.int(), event: z.int(), query: z.int() }),
  /** Some of the last members, to find the group again without a seed. */
  members: z.array(z.object({ host: z.string(), port: z.int() })).max(MEMBERS_MAX),
});
export type Remembered = z.infer<typeof rememberedSchema>;

/**
 * What a node keeps of its last life in one small file. A file that cannot be read, or of another name,
 * is as none: the wall clock starts the incarnation high enough, seeds find the group.
 */
export function readRemembered(path: string, name: string, log: Log): Remembered | undefined {
  try {
    const parsed = rememberedSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success && parsed.data.name === name ? parsed.data : undefined;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      log.warn('what was kept of the last gossip is not readable and starts anew', {
        path,
        reason: describeError(error),
      });
    }
    return undefined;
  }
}

export function writeRemembered(path: string, remembered: Remembered): void {
  const members = remembered.members.slice(0, MEMBERS_MAX);
  writeFileDurably(path, `${JSON.stringify({ ...remembered, members })}\n`);
}
